// Package tcp derives fingerprints of a server's TCP stack from the handshake
// of a connection.
//
// tcp.syn_ack is read from a captured SYN-ACK. tcp.info is a weaker and
// different kind, from what Linux's TCP_INFO tells of the peer where nothing
// could be captured; the two never compare.
//
// The features are those that passive fingerprinting has used since p0f:
// initial TTL (RFC 791), don't-fragment and the IP ID (RFC 6864), window (RFC
// 9293), MSS, window scale and the order of the options (RFC 7323, RFC 2018),
// ECN (RFC 3168). Left out is what differs between connections (sequence
// numbers, the values of timestamps) or between ways to a host (type of
// service, IPv6 flow label, the exact TTL).
package tcp

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// The kinds.
const (
	KindSYNACK = "tcp.syn_ack"
	KindInfo   = "tcp.info"
)

// usualSYN is the layout of a SYN by Linux as it is configured by default: the
// SYN that values are compared under unless they say otherwise.
const usualSYN = "mss,sackok,ts,nop,ws"

// Of returns the fingerprint of a: that of the captured SYN-ACK, or what the
// kernel tells where none was captured.
func Of(a *record.TCP) []value.Pair {
	if a == nil {
		return nil
	}
	var out value.List
	if v := synAck(a); v != "" {
		out.Add(KindSYNACK, v)
	} else {
		out.Add(KindInfo, info(a.Info))
	}
	return out
}

// synAck is "ttl:df:window:mss:wscale:options", for example
// "64:df:64240:1460:7:mss,sackok,ts,nop,ws".
//
//   - ttl: the initial one, which is the next of 32, 64, 128 and 255
//   - df: "df", or "-" for an IPv4 packet that may be fragmented, or "v6"
//   - window: as sent (never scaled in a SYN-ACK)
//   - mss, wscale: "-" without the option
//   - options: in wire order, see options
//   - ":" and what is unusual, if anything is, joined by ",": "id+" an IP ID
//     although the packet may not be fragmented (Windows), "id-" none although
//     it may; "0+" a reserved bit, "pushf+", "urgf+", "uptr+" PSH, URG, an
//     urgent pointer without URG; "ecn" the server agreed to ECN, "cwr"
//   - ":syn=..." if our own SYN was captured and did not have the usual options
//     or asked for ECN: a server answers to what it is asked, so that values
//     under unequal SYNs must differ
func synAck(a *record.TCP) string {
	s, ok := parse(a.SYNACK)
	if !ok || s.flags&(flagSYN|flagACK) != flagSYN|flagACK {
		return ""
	}
	o := readOptions(s.options)
	fields := []string{initialTTL(s.ttl), s.df, strconv.Itoa(int(s.window)), o.mss, o.wscale, o.order}
	if quirks := s.quirks(); len(quirks) > 0 {
		fields = append(fields, strings.Join(quirks, ","))
	}
	if asked := asked(a.SYN); asked != usualSYN {
		fields = append(fields, "syn="+asked)
	}
	return strings.Join(fields, ":")
}

// asked is what a SYN asks for; one that was not captured is the usual one.
func asked(syn []byte) string {
	h, ok := parse(syn)
	if !ok {
		return usualSYN
	}
	asks := []string{readOptions(h.options).order}
	for _, q := range h.quirks() {
		if q == "ecn" || q == "0+" { // 0+: the reserved bit of accurate ECN
			asks = append(asks, q)
		}
	}
	return strings.Join(asks, ",")
}

// Asked returns the part of a tcp.syn_ack that tells of our own SYN, "" for the
// usual one. Values with different ones say nothing of each other: the same
// server has both.
func Asked(synAck string) string {
	_, syn, _ := strings.Cut(synAck, ":syn=")
	return syn
}

func initialTTL(ttl uint8) string {
	for _, initial := range []uint8{32, 64, 128} {
		if ttl <= initial {
			return strconv.Itoa(int(initial))
		}
	}
	return "255"
}

// TCPI_OPT_* of linux/tcp.h that are settled by the handshake. Others (ECN
// seen, SYN data) change with what the connection carries.
const (
	optTimestamps = 1
	optSACK       = 2
	optWscale     = 4
	optECN        = 8
)

// info is "window:mss:wscale:options", for example "2^16:1448:7:ts,sack,ws".
//
//   - window: the power of two at or above it, because old kernels do not tell
//     whether it is still that of the SYN-ACK; "-" from those that tell nothing
//   - mss: what we may send, which is less than the peer's MSS by the
//     timestamps' 12 bytes and may be lowered by our own interface; "-" where
//     the kernel cut it to half of a small window, which varies
//   - wscale: "-" without the option
//   - options: not in any order, TCP_INFO has none
func info(i *record.TCPInfo) string {
	if i == nil || *i == (record.TCPInfo{}) {
		return ""
	}
	window, wscale := "-", "-"
	if i.SndWnd > 0 {
		window = fmt.Sprintf("2^%d", bits.Len32(i.SndWnd-1))
	}
	if i.Options&optWscale != 0 {
		wscale = strconv.Itoa(int(i.SndWscale))
	}
	var names []string
	for _, o := range []struct {
		bit  uint8
		name string
	}{{optTimestamps, "ts"}, {optSACK, "sack"}, {optWscale, "ws"}, {optECN, "ecn"}} {
		if i.Options&o.bit != 0 {
			names = append(names, o.name)
		}
	}
	mss := strconv.FormatUint(uint64(i.SndMSS), 10)
	if i.SndWnd > 0 && i.SndMSS >= i.SndWnd/2-1 {
		mss = "-"
	}
	return fmt.Sprintf("%s:%s:%s:%s", window, mss, wscale, strings.Join(names, ","))
}

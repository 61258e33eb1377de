package pcap

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// talk makes up the packets of one connection.
type talk struct {
	tb      testing.TB
	ends    [2]netip.AddrPort // client, server
	seq     [2]uint32
	packets []packet
}

const (
	client = 0
	server = 1
)

// packet is an IP packet.
type packet struct {
	at time.Time
	ip []byte
}

func newTalk(tb testing.TB, from, to string) *talk {
	return &talk{tb: tb, ends: [2]netip.AddrPort{netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)}, seq: [2]uint32{1000, 1<<32 - 60}} // the server's pass through 0
}

// tcp is a segment of a side at its present sequence number plus offset.
func (k *talk) tcp(side, offset int, payload string, set func(*layers.TCP)) {
	k.tb.Helper()
	from, to := k.ends[side], k.ends[1-side]
	t := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Window: 64240,
		Seq: k.seq[side] + uint32(offset), Ack: k.seq[1-side], ACK: true}
	set(t)
	var network gopacket.SerializableLayer
	if from.Addr().Is4() {
		ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, Flags: layers.IPv4DontFragment,
			SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		t.SetNetworkLayerForChecksum(ip)
		network = ip
	} else {
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
		t.SetNetworkLayerForChecksum(ip)
		network = ip
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, network, t, gopacket.Payload(payload)); err != nil {
		k.tb.Fatal(err)
	}
	k.packets = append(k.packets, packet{start.Add(time.Duration(len(k.packets)) * time.Millisecond), slices.Clone(b.Bytes())})
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (k *talk) shake() *talk {
	options := []layers.TCPOption{{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 180}}}
	k.tcp(client, 0, "", func(t *layers.TCP) { t.SYN, t.ACK, t.Ack, t.Options = true, false, 0, options })
	k.seq[client]++
	k.tcp(server, 0, "", func(t *layers.TCP) { t.SYN, t.Options = true, options })
	k.seq[server]++
	k.tcp(client, 0, "", func(*layers.TCP) {})
	return k
}

// say sends text in segments of a size.
func (k *talk) say(side int, text string, size int) *talk {
	for len(text) > 0 {
		piece := text[:min(size, len(text))]
		k.tcp(side, 0, piece, func(t *layers.TCP) { t.PSH = true })
		k.seq[side] += uint32(len(piece))
		text = text[len(piece):]
	}
	return k
}

func (k *talk) fin(side int) *talk {
	k.tcp(side, 0, "", func(t *layers.TCP) { t.FIN = true })
	k.seq[side]++
	return k
}

func (k *talk) rst(side int) *talk {
	k.tcp(side, 0, "", func(t *layers.TCP) { t.RST = true })
	return k
}

// linked puts a link layer in front of a packet.
func linked(link uint16, ip []byte) []byte {
	kind := []byte{8, 0}
	if ip[0]>>4 == 6 {
		kind = []byte{0x86, 0xdd}
	}
	switch link {
	case linkEthernet:
		return slices.Concat(make([]byte, 12), kind, ip)
	case linkSLL:
		return slices.Concat(make([]byte, 14), kind, ip)
	case linkSLL2:
		return slices.Concat(kind, make([]byte, 18), ip)
	case linkNull, linkLoop:
		return slices.Concat(make([]byte, 4), ip)
	}
	return ip
}

// file is a capture in the pcap format.
func file(tb testing.TB, link uint16, packets []packet) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriterNanos(&b)
	if err := w.WriteFileHeader(maxPacket, 0); err != nil {
		tb.Fatal(err)
	}
	b.Bytes()[20], b.Bytes()[21] = byte(link), byte(link>>8)
	for _, p := range packets {
		data := linked(link, p.ip)
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: p.at, CaptureLength: len(data), Length: len(data)}, data); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}

// packetsOf are the IP packets of a capture.
func packetsOf(tb testing.TB, file []byte) []packet {
	tb.Helper()
	frames, err := openFrames(bytes.NewReader(file))
	if err != nil {
		tb.Fatal(err)
	}
	var out []packet
	for f, err := frames.next(); err == nil; f, err = frames.next() {
		if ip, _ := network(f.link, f.data); ip != nil {
			out = append(out, packet{f.at, slices.Clone(ip)})
		}
	}
	return out
}

package tcp

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// TCP flags (RFC 9293 section 3.1, RFC 3168 section 6.1).
const (
	flagSYN = 0x02
	flagPSH = 0x08
	flagACK = 0x10
	flagURG = 0x20
	flagECE = 0x40
	flagCWR = 0x80
)

// header is what a handshake packet shows of its sender's stack.
type header struct {
	ttl      uint8
	df       string // "df", "-", "v6"
	id       uint16 // IPv4 only
	reserved bool   // a bit that must be zero is set
	flags    uint8
	window   uint16
	urgent   uint16
	options  []byte // at most 40
}

// parse reads an IP and a TCP header without link layer. Whoever wrote the
// record may have written anything, so nothing is taken for granted.
func parse(b []byte) (header, bool) {
	if len(b) == 0 {
		return header{}, false
	}
	switch b[0] >> 4 {
	case 4: // RFC 791 section 3.1
		size := int(b[0]&0x0f) * 4
		if size < 20 || len(b) < size || b[9] != 6 {
			return header{}, false
		}
		h := header{ttl: b[8], df: "-", id: binary.BigEndian.Uint16(b[4:]), reserved: b[6]&0x80 != 0}
		if b[6]&0x40 != 0 {
			h.df = "df"
		}
		return h.tcp(b[size:])
	case 6: // RFC 8200 section 3; nothing but routers' packet-too-big stands for DF
		if len(b) < 40 || b[6] != 6 {
			return header{}, false
		}
		return header{ttl: b[7], df: "v6"}.tcp(b[40:])
	}
	return header{}, false
}

func (h header) tcp(b []byte) (header, bool) {
	if len(b) < 20 {
		return header{}, false
	}
	size := int(b[12]>>4) * 4
	if size < 20 || len(b) < size {
		return header{}, false
	}
	h.reserved = h.reserved || b[12]&0x0f != 0
	h.flags, h.window, h.urgent, h.options = b[13], binary.BigEndian.Uint16(b[14:]), binary.BigEndian.Uint16(b[18:]), b[20:size]
	return h, true
}

// quirks are the deviations from a plain SYN-ACK, which has an IP ID of zero
// exactly if it may not be fragmented (RFC 6864 section 4.1), and no flags but
// two. The names are those of p0f.
func (h header) quirks() []string {
	var out []string
	for _, q := range []struct {
		is   bool
		name string
	}{
		{h.df == "df" && h.id != 0, "id+"},
		{h.df == "-" && h.id == 0, "id-"},
		{h.reserved, "0+"},
		{h.flags&flagPSH != 0, "pushf+"},
		{h.flags&flagURG != 0, "urgf+"},
		{h.flags&flagURG == 0 && h.urgent != 0, "uptr+"},
		{h.flags&flagECE != 0, "ecn"},
		{h.flags&flagCWR != 0, "cwr"},
	} {
		if q.is {
			out = append(out, q.name)
		}
	}
	return out
}

// Option kinds (IANA "TCP Option Kind Numbers").
const (
	kindEOL       = 0
	kindNOP       = 1
	kindMSS       = 2
	kindWscale    = 3
	kindSACKOK    = 4
	kindTimestamp = 8
)

// known are the options of a handshake with the one length that they may have.
func known(kind uint8) (name string, size int) {
	switch kind {
	case kindMSS:
		return "mss", 4 // RFC 9293 section 3.2
	case kindWscale:
		return "ws", 3 // RFC 7323 section 2.2
	case kindSACKOK:
		return "sackok", 2 // RFC 2018 section 2
	case kindTimestamp:
		return "ts", 10 // RFC 7323 section 3.2
	}
	return "", 0
}

// options is the option field, read.
type options struct {
	order  string // names or kind numbers in wire order, joined by ","
	mss    string // "-" without the option
	wscale string
}

// readOptions reads options up to their end. An unknown kind is its number. A
// known kind of another length is its name with the length ("mss/3") and gives
// no value; a length that leaves the field ends the list with "bad". After an
// end-of-list option "eol+N" counts the N bytes of padding, "eol+N!" if they
// are not zero (RFC 9293 section 3.2 wants zeros).
func readOptions(b []byte) options {
	o := options{mss: "-", wscale: "-"}
	var order []string
	for len(b) > 0 {
		kind := b[0]
		if kind == kindNOP {
			order, b = append(order, "nop"), b[1:]
			continue
		}
		if kind == kindEOL {
			order = append(order, padding(b[1:]))
			break
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			order = append(order, strconv.Itoa(int(kind)), "bad")
			break
		}
		order = append(order, o.take(kind, b[2:b[1]]))
		b = b[b[1]:]
	}
	o.order = strings.Join(order, ",")
	if len(order) == 0 {
		o.order = "none"
	}
	return o
}

// take notes one well-delimited option and returns what to call it.
func (o *options) take(kind uint8, data []byte) string {
	name, size := known(kind)
	switch {
	case name == "":
		return strconv.Itoa(int(kind))
	case len(data)+2 != size:
		return fmt.Sprintf("%s/%d", name, len(data)+2)
	case kind == kindMSS:
		o.mss = strconv.Itoa(int(binary.BigEndian.Uint16(data)))
	case kind == kindWscale:
		o.wscale = strconv.Itoa(int(data[0]))
	}
	return name
}

func padding(b []byte) string {
	name := fmt.Sprintf("eol+%d", len(b))
	for _, c := range b {
		if c != 0 {
			return name + "!"
		}
	}
	return name
}

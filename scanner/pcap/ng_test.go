package pcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// ngBlock is one block.
func ngBlock(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	body = append(bytes.Clone(body), make([]byte, (4-len(body)%4)%4)...)
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, uint32(12+len(body)))
	b = append(b, body...)
	return order.AppendUint32(b, uint32(12+len(body)))
}

// ngFile is a capture in the pcapng format, with a time resolution of 2^-20 s,
// an interface that is not used, and blocks that are to be skipped.
func ngFile(link uint16, big bool, packets []packet) []byte {
	order := binary.AppendByteOrder(binary.LittleEndian)
	if big {
		order = binary.BigEndian
	}
	section := order.AppendUint32(nil, byteOrderMagic)
	section = append(order.AppendUint16(section, 1), 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)
	out := ngBlock(order, blockSection, section)
	out = append(out, ngBlock(order, blockInterface, order.AppendUint32(order.AppendUint32(nil, 0), 0))...)
	describe := append(order.AppendUint16(nil, link), 0, 0, 0, 0, 0, 0)
	describe = append(order.AppendUint16(order.AppendUint16(describe, 2), 3), 'l', 'o', '0', 0) // if_name
	describe = append(order.AppendUint16(order.AppendUint16(describe, 9), 1), 0x80|20, 0, 0, 0)
	out = append(out, ngBlock(order, blockInterface, append(describe, 0, 0, 0, 0))...)
	for _, p := range packets {
		out = append(out, ngBlock(order, 0x0bad, []byte("a block of another kind"))...)
		data := linked(link, p.ip)
		stamp := uint64(p.at.Unix())<<20 | uint64(p.at.Nanosecond())<<20/uint64(time.Second)
		body := order.AppendUint32(nil, 1)
		body = order.AppendUint32(order.AppendUint32(body, uint32(stamp>>32)), uint32(stamp))
		body = order.AppendUint32(order.AppendUint32(body, uint32(len(data))), uint32(len(data)))
		out = append(out, ngBlock(order, blockEnhanced, append(body, data...))...)
	}
	return out
}

// TestDamagedFiles: what is before the damage is read, and the damage is told
// with the number of its packet.
func TestDamagedFiles(t *testing.T) {
	packets := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80").shake().say(client, request, 1000).say(server, response, 20).packets
	classic, ng := file(t, linkRaw, packets), ngFile(linkRaw, false, packets)
	last := len(packets)
	edit := func(b []byte, at int, value ...byte) []byte {
		b = bytes.Clone(b)
		copy(b[at:], value)
		return b
	}
	le := binary.LittleEndian
	zeroResolution := ngBlock(le, blockInterface, []byte{101, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0xff, 0, 0, 0})
	section := ng[:28]
	for name, c := range map[string]struct {
		file   []byte
		packet int // 0: no capture
		says   string
	}{
		"nothing":                         {nil, 0, ""},
		"text":                            {[]byte("{\"schema\":\"observation/1\"}\n"), 0, ""},
		"a header's beginning":            {classic[:10], 1, "header"},
		"cut in a packet":                 {classic[:len(classic)-3], last, "ends within"},
		"cut in a packet header":          {classic[:len(classic)-len(packets[last-1].ip)-3], last, "ends within"},
		"a packet of 4 GB":                {edit(classic, 24+8, 255, 255, 255, 255, 255, 255, 255, 255), 1, "length"},
		"a version of another day":        {edit(classic, 4, 9), 1, "version"},
		"pcapng, cut in a block":          {ng[:len(ng)-3], last, "ends within"},
		"pcapng, a block of 4 GB":         {edit(ng, 32, 255, 255, 255, 252), 1, "block of"},
		"pcapng, a block of 0 bytes":      {edit(ng, 32, 0, 0, 0, 0), 1, "block of"},
		"pcapng, no byte order":           {edit(ng, 8, 1, 2, 3, 4), 1, "byte order"},
		"pcapng, no such resolution":      {append(bytes.Clone(section), zeroResolution...), 1, "resolution"},
		"pcapng, interface not described": {append(bytes.Clone(section), ngBlock(le, blockEnhanced, make([]byte, 20))...), 1, "not described"},
	} {
		t.Run(name, func(t *testing.T) {
			w := New(Config{})
			err := w.Read(t.Context(), bytes.NewReader(c.file))
			var fault *Fault
			switch {
			case c.packet == 0 && !errors.Is(err, ErrNoCapture):
				t.Errorf("got %v, want %v", err, ErrNoCapture)
			case c.packet > 0 && (!errors.As(err, &fault) || fault.Packet != uint64(c.packet) || !strings.Contains(err.Error(), c.says)):
				t.Errorf("got %v, want packet %d: %s", err, c.packet, c.says)
			}
			if read, _ := w.Progress(); c.packet > 0 && read != uint64(c.packet-1) {
				t.Errorf("%d packets read", read)
			}
		})
	}
}

// TestASimplePacketHasNoTime: it takes that of the packet before.
func TestASimplePacketHasNoTime(t *testing.T) {
	packets := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80").shake().packets
	le := binary.LittleEndian
	f := ngFile(linkRaw, false, packets[:1])
	f = append(f, ngBlock(le, blockSimple, append(le.AppendUint32(nil, uint32(len(packets[1].ip))), packets[1].ip...))...)
	frames, err := openFrames(bytes.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	one, err := frames.next()
	if err != nil || one.at.Sub(packets[0].at).Abs() > time.Microsecond {
		t.Errorf("%v, %v, want %v", one.at, err, packets[0].at)
	}
	r := frames.(*ngReader)
	r.interfaces[0].link = linkRaw
	two, err := frames.next()
	if err != nil || !two.at.Equal(one.at) || !bytes.Equal(two.data, packets[1].ip) {
		t.Errorf("%+v, %v", two, err)
	}
	if _, err := frames.next(); err != io.EOF {
		t.Errorf("got %v at the end", err)
	}
}

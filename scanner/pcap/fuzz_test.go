package pcap

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/gopacket/layers"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

// readHostile reads a capture with low limits and checks what must hold of any.
func readHostile(t *testing.T, file []byte) {
	var out [][]byte
	w := New(Config{Connections: 8, Endpoints: 4, Bytes: 64 << 10, Emit: func(o record.Observation) {
		line, err := json.Marshal(o)
		if err != nil {
			t.Error(err)
		}
		out = append(out, line)
		if o.Port == 0 || !o.Host.IP.IsValid() || !slices.Contains(record.Statuses(), o.Status) || o.Ms < 0 {
			t.Errorf("%s", line)
		}
		fingerprints.Of(o)
	}})
	err := w.Read(t.Context(), bytes.NewReader(file))
	if fault := (*Fault)(nil); err != nil && !errors.Is(err, ErrNoCapture) && !errors.As(err, &fault) {
		t.Errorf("an error of another kind: %v", err)
	}
	w.Close()
	if len(w.table.flows)+len(w.book.endpoints)+w.table.bytes+w.book.bytes != 0 {
		t.Errorf("left: %d connections, %d endpoints, %d and %d bytes", len(w.table.flows), len(w.book.endpoints), w.table.bytes, w.book.bytes)
	}
}

func FuzzRead(f *testing.F) {
	k := newTalk(f, "198.51.100.1:40000", "192.0.2.80:80").shake().say(client, request, 1000).say(server, response, 20).fin(server).fin(client)
	v6 := newTalk(f, "[2001:db8::1]:40000", "[2001:db8::80]:22").shake().say(server, "SSH-2.0-server\r\n", 5).say(client, "SSH-2.0-client\r\n", 99).rst(client)
	f.Add(file(f, linkEthernet, k.packets))
	f.Add(file(f, linkSLL2, v6.packets))
	f.Add(ngFile(linkRaw, false, k.packets))
	f.Add(ngFile(linkSLL, true, v6.packets))
	f.Add(file(f, linkEthernet, recorded(f).packets[:120]))
	f.Fuzz(func(t *testing.T, file []byte) { readHostile(t, file) })
}

// FuzzSegments makes up the segments of one connection: each is four bytes,
// which say whose it is and its flags, where in the sequence it begins, and how
// much of the script it says.
func FuzzSegments(f *testing.F) {
	f.Add(false, []byte{0x02, 0, 0, 0, 0x13, 0, 0, 0, 0x10, 1, 0, 40, 0x11, 1, 0, 90})
	f.Add(false, []byte{0x10, 0, 0, 40, 0x11, 40, 0, 30, 0x11, 20, 0, 50, 0x11, 0, 0, 90, 0x15, 70, 0, 20})
	f.Add(true, []byte{0x11, 90, 0, 9, 0x11, 80, 0, 30, 0x11, 0, 0xff, 9, 0x10, 200, 0x80, 9, 0x11, 85, 0, 4, 0x11, 88, 0, 40})
	f.Fuzz(func(t *testing.T, far bool, segments []byte) {
		k := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80")
		says := [2]string{request + request + request, response + response + response}
		if far {
			k.seq = [2]uint32{1<<31 - 20, 0}
		}
		for len(segments) >= 4 && len(k.packets) < 200 {
			side, flags := int(segments[0]&1), segments[0]
			at, n := int(segments[1])|int(int8(segments[2]))<<24, int(segments[3])
			segments = segments[4:]
			text := says[side]
			text = text[min(at&0xff, len(text)):]
			k.tcp(side, at, text[:min(n, len(text))], func(s *layers.TCP) {
				s.SYN, s.RST, s.FIN, s.ACK = flags&2 != 0, flags&4 != 0, flags&8 != 0, flags&16 != 0
			})
		}
		readHostile(t, file(t, linkRaw, k.packets))
	})
}

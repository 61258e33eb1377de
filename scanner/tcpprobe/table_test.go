package tcpprobe

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func flowOf(n int) flow {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 10<<24|uint32(n))
	return flow{local: netip.MustParseAddrPort("192.0.2.1:40000"), remote: netip.AddrPortFrom(netip.AddrFrom4(a), 443)}
}

func syn(f flow, seq uint32) segment {
	return segment{src: f.local, dst: f.remote, seq: seq, headers: []byte{1, byte(seq)}}
}

func synAck(f flow, ack uint32, mark byte) segment {
	return segment{src: f.remote, dst: f.local, ack: ack, answer: true, headers: []byte{2, mark}}
}

func TestTableAnswersOnlyItsOwnSYN(t *testing.T) {
	f := flowOf(1)
	for name, c := range map[string]struct {
		packets []segment
		want    []byte // SYN-ACK, nil: none
	}{
		"SYN and its answer":             {[]segment{syn(f, 7), synAck(f, 8, 1)}, []byte{2, 1}},
		"no answer":                      {[]segment{syn(f, 7)}, nil},
		"an answer nobody asked for":     {[]segment{synAck(f, 8, 1)}, nil},
		"a forged answer":                {[]segment{syn(f, 7), synAck(f, 9, 1)}, nil},
		"a forged answer and the true":   {[]segment{syn(f, 7), synAck(f, 9, 1), synAck(f, 8, 2)}, []byte{2, 2}},
		"the first answer is kept":       {[]segment{syn(f, 7), synAck(f, 8, 1), synAck(f, 8, 2)}, []byte{2, 1}},
		"a repeated SYN changes nothing": {[]segment{syn(f, 7), synAck(f, 8, 1), syn(f, 7)}, []byte{2, 1}},
		"reused ports":                   {[]segment{syn(f, 7), synAck(f, 8, 1), syn(f, 20), synAck(f, 21, 3)}, []byte{2, 3}},
		"reused ports, no answer yet":    {[]segment{syn(f, 7), synAck(f, 8, 1), syn(f, 20)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			table := newTable(16, time.Second)
			for _, s := range c.packets {
				table.add(s)
			}
			got := table.take(f)
			if (got == nil) != (c.want == nil) || got != nil && string(got.SYNACK) != string(c.want) {
				t.Errorf("got %+v, want %v", got, c.want)
			}
			if got != nil && len(got.SYN) == 0 {
				t.Error("the SYN is not there")
			}
			if got != nil && table.take(f) != nil {
				t.Error("it can be taken twice")
			}
		})
	}
}

func TestTableIsBoundedByNumberAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := newTable(100, time.Second)
		for n := range 10_000 {
			table.add(syn(flowOf(n), 1))
			if held := len(table.young) + len(table.old); held > 100 {
				t.Fatalf("%d entries after %d SYNs", held, n)
			}
		}
		table.add(synAck(flowOf(9_960), 2, 1))
		if table.take(flowOf(9_960)) == nil {
			t.Error("one of the last fifty is gone")
		}
		for n := range 4 { // two lifetimes: everything older goes
			time.Sleep(time.Second)
			table.add(syn(flowOf(20_000+n), 1))
		}
		if held := len(table.young) + len(table.old); held > 2 {
			t.Errorf("%d entries are left after their time", held)
		}
	})
}

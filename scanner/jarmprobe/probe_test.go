package jarmprobe

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/fingerprints/jarm"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

var localhost = record.Endpoint{Host: record.Host{IP: netip.MustParseAddr("127.0.0.1")}, Port: 443}

// The ten hellos are those of a known implementation but for random bytes and
// GREASE values.
func TestHellosEqualJarmGo(t *testing.T) {
	b, err := os.ReadFile("testdata/hellos.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(b)), "\n")[1:]
	if len(want) != Count {
		t.Fatalf("%d hellos", len(want))
	}
	run := Probe{}.Start(localhost, record.Answer{}).(*run)
	for i := range Count {
		var x conversation.Exchange
		if !run.Next(&x) {
			t.Fatal("only", i)
		}
		theirs, err := hex.DecodeString(want[i])
		if err != nil {
			t.Fatal(err)
		}
		ours := x.Conv.Open().Send
		if got, want := plain(ours), plain(theirs); got != want {
			t.Errorf("hello %d is\n%s\nwant\n%s", i+1, got, want)
		}
		x.Connected = true
		x.Status = record.OK
		run.Ended(&x)
	}
}

// plain writes a ClientHello record in hex with everything random set to 0, GREASE to 0a0a.
func plain(b []byte) string {
	b = bytes.Clone(b)
	clear(b[11:43])
	clear(b[44:76])
	unGrease := func(at int) {
		if b[at]&15 == 10 && b[at] == b[at+1] {
			b[at], b[at+1] = 10, 10
		}
	}
	suites := int(binary.BigEndian.Uint16(b[76:]))
	unGrease(78)
	for at := 78 + suites + 2 + 2; at < len(b); {
		unGrease(at)
		kind, n := binary.BigEndian.Uint16(b[at:]), int(binary.BigEndian.Uint16(b[at+2:]))
		switch kind {
		case 43:
			unGrease(at + 5)
		case 51:
			unGrease(at + 6)
			clear(b[at+4+n-32 : at+4+n])
		}
		at += 4 + n
	}
	return hex.EncodeToString(b)
}

func TestHellosAreRepeatable(t *testing.T) {
	for i := range Count {
		hello := func(seed uint64, name string) []byte {
			r := Probe{Seed: seed}.Start(record.Endpoint{Host: record.Host{IP: localhost.Host.IP, Name: name}}, record.Answer{}).(*run)
			r.asked, r.ended = i, i
			var x conversation.Exchange
			r.Next(&x)
			return x.Conv.Open().Send
		}
		if !bytes.Equal(hello(1, "a.example"), hello(1, "a.example")) || bytes.Equal(hello(1, "a.example"), hello(2, "a.example")) {
			t.Errorf("hello %d does not follow the seed", i+1)
		}
		if !bytes.Contains(hello(1, "a.example"), []byte("a.example")) || !bytes.Contains(hello(1, ""), []byte("127.0.0.1")) {
			t.Errorf("hello %d lacks the server name", i+1)
		}
	}
}

// vectors are servers whose JARM is published.
func vectors() []struct {
	name, want string
	start      func(testing.TB) netip.AddrPort
} {
	type vector = struct {
		name, want string
		start      func(testing.TB) netip.AddrPort
	}
	return []vector{
		{"openssl", "07d14d16d21d21d00042d43d000000aa99ce74e2c6d013c745aa52b5cc042d", func(tb testing.TB) netip.AddrPort {
			cert, key := livetest.Certificate(tb, "rsa")
			return livetest.OpenSSL(tb, cert, key)
		}},
		{"python", "2ad2ad0002ad2ad00042d42d000000ad9bf51cc3f5a1e29eecb81d0c7b06eb", func(tb testing.TB) netip.AddrPort {
			cert, key := livetest.Certificate(tb, "rsa")
			return livetest.Python(tb, cert, key)
		}},
		{"nginx-ec", "", func(tb testing.TB) netip.AddrPort { // "": no published value, jarm-go's counts
			cert, key := livetest.Certificate(tb, "ec")
			return livetest.Nginx(tb, cert, key, "ssl_protocols TLSv1.2 TLSv1.3;")
		}},
		{"gnutls", "", func(tb testing.TB) netip.AddrPort {
			cert, key := livetest.Certificate(tb, "ec")
			return livetest.GnuTLS(tb, cert, key, "NORMAL")
		}},
	}
}

// TestRealServers compares with published values and with jarm-go. With
// HOSTKIN_RECORD=1 it stores the answers for TestRecorded and, as records, for
// the tests of fingerprints/jarm.
func TestRealServers(t *testing.T) {
	oracle := livetest.JARMGo(t)
	for _, v := range vectors() {
		t.Run(v.name, func(t *testing.T) {
			addr := v.start(t)
			theirs := oracle(t, addr)
			a, status, said := livetest.Ask(t, Probe{}, livetest.Endpoint(addr, ""), record.Answer{})
			got, partial, ok := jarm.Of(a.JARM)
			if !ok || partial || status != record.OK || got != theirs || v.want != "" && got != v.want {
				t.Errorf("JARM %s (partial %v, status %q)\nof jarm-go %s\nwant %s", got, partial, status, theirs, v.want)
			}
			if a.JARM.SNI != "127.0.0.1" {
				t.Errorf("SNI %q", a.JARM.SNI)
			}
			// The same through a proxy that sends every byte in a segment of its own.
			slow, _, _ := livetest.Ask(t, Probe{}, livetest.Endpoint(split(t, addr), ""), record.Answer{})
			if cut, partial, ok := jarm.Of(slow.JARM); cut != got || partial || !ok {
				t.Errorf("JARM of split answers is %s, want %s", cut, got)
			}
			livetest.Keep(t, recording(v.name), said)
			livetest.Keep(t, filepath.Join("../../fingerprints/jarm/testdata", v.name+".json"), map[string]any{"jarm": a.JARM, "want": got})
		})
	}
}

// recording is the file of what a server said on its ten connections.
func recording(name string) string { return filepath.Join("testdata", name+".json") }

// split is a proxy in front of a server that sends its first 200 bytes one by one.
func split(t *testing.T, to netip.AddrPort) netip.AddrPort {
	return livetest.Proxy(t, "127.0.0.1:0", to, func(client, server net.Conn) {
		buf := make([]byte, 4096)
		for sent := 0; ; {
			n, err := server.Read(buf)
			for i := range buf[:n] {
				if sent++; sent > 200 {
					client.Write(buf[i:n])
					break
				}
				client.Write(buf[i : i+1])
			}
			if err != nil {
				return
			}
		}
	})
}

// play runs the probe against ten answers, or as many as it asks for.
func play(t testing.TB, said []conversationtest.Transcript, then func(i int, x *conversation.Exchange)) (*record.JARM, record.Status, int) {
	r := Probe{}.Start(localhost, record.Answer{})
	asked := 0
	for ; asked <= len(said); asked++ {
		x := conversation.Exchange{Connected: true}
		if !r.Next(&x) {
			break
		}
		x.Status, _ = conversationtest.Play(x.Conv, said[asked], nil)
		if then != nil {
			then(asked, &x)
		}
		r.Ended(&x)
	}
	var a record.Answer
	status := r.Fold(&a)
	return a.JARM, status, asked
}

func TestRecorded(t *testing.T) {
	for _, v := range vectors() {
		said := livetest.Transcripts(t, recording(v.name))
		got, status, asked := play(t, said, nil)
		value, partial, ok := jarm.Of(got)
		if asked != Count || status != record.OK || !ok || partial || v.want != "" && value != v.want {
			t.Errorf("%s: %s (%d hellos, %q, partial %v)", v.name, value, asked, status, partial)
		}
		for i, transcript := range said {
			conversationtest.CheckCuts(t, transcript, func() (conversation.Conversation, func() []byte) {
				r := Probe{}.Start(localhost, record.Answer{}).(*run)
				r.asked, r.ended = i, i
				var x conversation.Exchange
				r.Next(&x)
				return x.Conv, func() []byte { return x.Conv.(*client).answer }
			})
		}
	}
}

func TestAnswers(t *testing.T) {
	hello := livetest.Transcripts(t, recording("openssl"))[0].Turns[0]
	n := int(binary.BigEndian.Uint16(hello[3:]))
	message := hello[5 : 5+n]
	var fragments []byte
	for i := range message {
		fragments = append(fragments, 22, 3, 3, 0, 1, message[i])
	}
	for name, test := range map[string]struct {
		said []byte
		then record.Status
		want record.Status
	}{
		"whole":                           {said: hello, want: record.OK},
		"a record for each byte":          {said: fragments, want: record.OK},
		"closed in the ServerHello":       {said: hello[:40], want: record.Closed},
		"silent in the ServerHello":       {said: hello[:40], then: record.Timeout, want: record.Timeout},
		"alert":                           {said: []byte("\x15\x03\x03\x00\x02\x02\x28"), want: record.Alert},
		"warning, then a ServerHello":     {said: append([]byte("\x15\x03\x03\x00\x02\x01\x70"), hello...), want: record.Alert},
		"reset":                           {then: record.Reset, want: record.Reset},
		"closed":                          {want: record.Closed},
		"HTTP":                            {said: []byte("HTTP/1.1 400 Bad Request\r\n"), want: record.Malformed},
		"another message":                 {said: []byte("\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), want: record.Malformed},
		"a message that never ends":       {said: bytes.Repeat(append([]byte("\x16\x03\x03\x40\x00\x02\xff\xff\xff"), make([]byte, 1<<14-4)...), 9), want: record.Malformed},
		"a ServerHello that is not whole": {said: []byte("\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03"), want: record.Malformed},
	} {
		_, status := conversationtest.CheckCuts(t, conversationtest.Transcript{Turns: [][]byte{test.said}, Then: test.then},
			func() (conversation.Conversation, func() []byte) {
				var x conversation.Exchange
				Probe{}.Start(localhost, record.Answer{}).Next(&x)
				return x.Conv, func() []byte { return x.Conv.(*client).answer }
			})
		if status != test.want {
			t.Errorf("%s: %q, want %q", name, status, test.want)
		}
	}
}

func TestStopsEarly(t *testing.T) {
	said := livetest.Transcripts(t, recording("openssl"))
	for name, test := range map[string]struct {
		status    record.Status // of connection at
		at        int
		connected bool
		asked     int
		want      record.Status
		folded    bool
	}{
		"refused":                {record.Refused, 0, false, 1, record.Refused, false},
		"unreachable":            {record.Unreachable, 0, false, 1, record.Unreachable, false},
		"no answer to the SYN":   {record.Timeout, 0, false, 1, record.Timeout, false},
		"excluded":               {record.Excluded, 0, false, 1, record.Excluded, false},
		"not TLS":                {record.Malformed, 0, true, 1, record.Malformed, true},
		"first hello unheeded":   {record.Timeout, 0, true, 10, record.OK, true},
		"first hello refused":    {record.Alert, 0, true, 10, record.OK, true},
		"fifth one refused":      {record.Refused, 4, false, 10, record.OK, true},
		"cancelled in the fifth": {record.Cancelled, 4, true, 5, record.OK, true},
	} {
		got, status, asked := play(t, said, func(i int, x *conversation.Exchange) {
			if i == test.at {
				x.Status, x.Connected = test.status, test.connected
			}
		})
		if asked != test.asked || status != test.want || (got != nil) != test.folded {
			t.Errorf("%s: %d hellos, %q, folded %v", name, asked, status, got != nil)
		}
	}
}

// Nine connections are offered at once after the first.
func TestConcurrent(t *testing.T) {
	r := Probe{}.Start(localhost, record.Answer{})
	var x conversation.Exchange
	if !r.Next(&x) || r.Next(&conversation.Exchange{}) {
		t.Fatal("want one connection first")
	}
	x.Status, x.Connected = record.OK, true
	r.Ended(&x)
	n := 0
	for r.Next(&conversation.Exchange{}) {
		n++
	}
	if n != Count-1 {
		t.Errorf("%d connections at once", n)
	}
}

// All refused in the same way is that status.
func TestAllAlike(t *testing.T) {
	alert := conversationtest.Transcript{Turns: [][]byte{[]byte("\x15\x03\x03\x00\x02\x02\x70")}}
	said := make([]conversationtest.Transcript, Count)
	for i := range said {
		said[i] = alert
	}
	if got, status, asked := play(t, said, nil); status != record.Alert || asked != Count || len(got.Answers) != Count {
		t.Errorf("%q after %d", status, asked)
	}
}

func BenchmarkTenHellos(b *testing.B) {
	said := livetest.Transcripts(b, recording("openssl"))
	b.ReportAllocs()
	for b.Loop() {
		r := Probe{}.Start(localhost, record.Answer{})
		for i := 0; ; i++ {
			x := conversation.Exchange{Connected: true}
			if !r.Next(&x) {
				break
			}
			x.Conv.Open()
			for _, turn := range said[i].Turns {
				x.Conv.Feed(turn)
			}
			x.Status = x.Conv.End(record.OK)
			r.Ended(&x)
		}
		var a record.Answer
		r.Fold(&a)
	}
}

package sshprobe

import (
	"bytes"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// outcome is all that a connection leaves behind.
type outcome struct {
	Seen record.SSH
	Key  record.HostKey
}

func TestRecordedServersInPieces(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		said := livetest.Transcripts(t, file)
		for i := range said {
			start := func() (conversation.Conversation, func() outcome) { // replays the connections before this one
				r := Probe{}.Start(record.Endpoint{}, record.Answer{})
				for j := range i + 1 {
					var x conversation.Exchange
					if !r.Next(&x) {
						t.Fatalf("%s: no connection %d", file, j)
					}
					if c := x.Conv.(*connection); j == i {
						return c, func() outcome { return outcome{c.seen, c.key} }
					}
					x.Status, _ = conversationtest.Play(x.Conv, said[j], nil)
					r.Ended(&x)
				}
				return nil, nil
			}
			got, status := conversationtest.CheckCuts(t, said[i], start)
			conversationtest.CheckEndings(t, said[i], func() conversation.Conversation { c, _ := start(); return c })
			if status != record.OK || len(got.Key.Blob) == 0 || got.Seen.KEXINIT == nil {
				t.Errorf("%s, connection %d: %s %+v", file, i, status, got.Key)
			}
		}
	}
}

// serverInit is a KEXINIT of a server that has everything or, changed, lacks something.
func serverInit(change func(*record.KEXINIT)) []byte {
	k := generalOffer()
	if change != nil {
		change(&k)
	}
	return kexInitPacket(k)
}

func reply(blob string) []byte {
	return frame(appendString(appendString([]byte{msgKexdhReply}, blob), "public and signature"))
}

const blob = "\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20................................"

func TestConnection(t *testing.T) {
	banner := "SSH-2.0-x\r\n"
	long := strings.Repeat("a", 5000)
	for name, test := range map[string]struct {
		turns  []string
		then   record.Status
		status record.Status
		check  func(outcome) bool
	}{
		"whole": {turns: []string{banner, string(serverInit(nil)), string(reply(blob))}, status: record.OK,
			check: func(o outcome) bool {
				return string(o.Key.Blob) == blob && o.Key.Algorithm == "ssh-ed25519" && string(o.Seen.Banner) == banner
			}},
		"debug, ignore and ext-info between": {status: record.OK,
			turns: []string{banner, string(frame([]byte{msgIgnore, 0, 0, 0, 0})) + string(serverInit(nil)) + string(frame([]byte{msgExtInfo})),
				string(frame([]byte{msgDebug, 1})) + string(reply(blob))}},
		"preamble": {turns: []string{"Welcome\r\nto \x1b[1mus\n" + "SSH-1.99-x y z\n", string(serverInit(nil)), string(reply(blob))}, status: record.OK,
			check: func(o outcome) bool {
				return len(o.Seen.Preamble) == 2 && string(o.Seen.Preamble[1]) == "to \x1b[1mus\n" && string(o.Seen.Banner) == "SSH-1.99-x y z\n"
			}},
		"wrong guess of the server is skipped": {status: record.OK,
			turns: []string{banner, string(guessing(serverInit(func(k *record.KEXINIT) { k.Kex = k.Kex[1:] }))) + string(frame([]byte{msgKexdhReply, 9, 9})), string(reply(blob))}},
		"group exchange": {turns: []string{banner, string(serverInit(func(k *record.KEXINIT) { k.Kex = []string{"diffie-hellman-group-exchange-sha256"} })),
			string(frame(appendString(appendString([]byte{msgKexdhReply}, "p"), "g"))),
			string(frame(appendString(appendString([]byte{msgGexReply}, blob), "f")))}, status: record.OK},
		"silence":                {then: record.Timeout, status: record.Timeout},
		"closes at once":         {status: record.Closed, check: func(o outcome) bool { return o.Seen.Raw == nil }},
		"resets after banner":    {turns: []string{banner}, then: record.Reset, status: record.Reset, check: func(o outcome) bool { return string(o.Seen.Banner) == banner }},
		"one byte, then silence": {turns: []string{"S"}, then: record.Timeout, status: record.Timeout, check: func(o outcome) bool { return string(o.Seen.Raw) == "S" }},
		"silent after banner":    {turns: []string{banner}, then: record.Timeout, status: record.Timeout},
		"banner without its end": {turns: []string{"SSH-2.0-OpenSS"}, status: record.Closed, check: func(o outcome) bool { return string(o.Seen.Banner) == "SSH-2.0-OpenSS" }},
		"too busy":               {turns: []string{"Exceeded MaxStartups\r\n"}, status: record.Closed},
		"disconnect":             {turns: []string{banner, string(serverInit(nil)), string(frame([]byte{msgDisconnect, 0, 0, 0, 3}))}, status: record.Alert, check: func(o outcome) bool { return o.Key.Status == record.Alert }},
		"nothing in common":      {turns: []string{banner, string(serverInit(func(k *record.KEXINIT) { k.Kex = []string{"own@example.com"} }))}, status: record.Alert, check: func(o outcome) bool { return o.Seen.KEXINIT != nil }},
		"SSH 1":                  {turns: []string{"SSH-1.5-old\n"}, status: record.Malformed, check: func(o outcome) bool { return string(o.Seen.Banner) == "SSH-1.5-old\n" }},
		"HTTP": {turns: []string{"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n" + long}, status: record.Malformed,
			check: func(o outcome) bool {
				return len(o.Seen.Raw) == maxRaw && bytes.HasPrefix(o.Seen.Raw, []byte("HTTP/1.1 400"))
			}},
		"FTP":               {turns: []string{"220 ready\r\n"}, then: record.Timeout, status: record.Malformed, check: func(o outcome) bool { return string(o.Seen.Raw) == "220 ready\r\n" }},
		"TLS alert":         {turns: []string{"\x15\x03\x01\x00\x02\x02\x46"}, status: record.Malformed},
		"telnet":            {turns: []string{"\xff\xfd\x18\xff\xfd\x20"}, then: record.Timeout, status: record.Malformed},
		"a page, then FIN":  {turns: []string{"who are you?\r\n"}, status: record.Malformed, check: func(o outcome) bool { return string(o.Seen.Raw) == "who are you?\r\n" }},
		"endless banner":    {turns: []string{"SSH-2.0-" + long}, status: record.Truncated, check: func(o outcome) bool { return len(o.Seen.Raw) == maxRaw }},
		"endless line":      {turns: []string{long}, status: record.Truncated},
		"endless preamble":  {turns: []string{strings.Repeat("hello\r\n", 5000)}, status: record.Truncated, check: func(o outcome) bool { return len(o.Seen.Preamble) == maxLines+1 }},
		"tarpit's preamble": {turns: []string{"x7Hf\r\n", "q9\r\n"}, then: record.Timeout, status: record.Timeout},
		"length 4 GiB":      {turns: []string{banner, "\xff\xff\xff\xff\x04\x14" + long}, status: record.Malformed, check: func(o outcome) bool { return len(o.Seen.Raw) == maxRaw }},
		"length 0":          {turns: []string{banner, "\x00\x00\x00\x00\x00"}, status: record.Malformed},
		"padding > length":  {turns: []string{banner, "\x00\x00\x00\x0c\xff" + long[:11]}, status: record.Malformed},
		"list > packet":     {turns: []string{banner, string(frame(append(make([]byte, 17, 30), 0xff, 0xff, 0xff, 0xff, 'a')))}, status: record.Malformed},
		"NUL in a name":     {turns: []string{banner, string(serverInit(func(k *record.KEXINIT) { k.Kex = []string{"a\x00b"} }))}, status: record.Malformed},
		"endless list": {turns: []string{banner, string(serverInit(func(k *record.KEXINIT) { k.Kex = strings.Split(strings.Repeat("a,", 2000), ",") }))},
			status: record.Malformed},
		"two KEXINITs":         {turns: []string{banner, string(serverInit(nil)) + string(serverInit(nil))}, status: record.Malformed},
		"reply before KEXINIT": {turns: []string{banner, string(reply(blob))}, status: record.Malformed},
		"host key too long":    {turns: []string{banner, string(serverInit(nil)), string(reply(blob + strings.Repeat("x", 20000)))}, status: record.Malformed},
		"reply cut short":      {turns: []string{banner, string(serverInit(nil)), string(frame([]byte{msgKexdhReply, 0, 0, 9, 9, 1}))}, status: record.Malformed},
		"garbage after banner": {turns: []string{banner + "GET / HTTP/1.0\r\n\r\n"}, status: record.Malformed},
		"still after 3 bytes":  {turns: []string{banner, "\x00\x00\x01"}, then: record.Timeout, status: record.Timeout},
		"endless ignores":      {turns: []string{banner, strings.Repeat(string(frame([]byte{msgIgnore, 0})), 300)}, then: record.Truncated, status: record.Truncated},
	} {
		t.Run(name, func(t *testing.T) {
			said := conversationtest.Transcript{Then: test.then}
			for _, turn := range test.turns {
				said.Turns = append(said.Turns, []byte(turn))
			}
			got, status := conversationtest.CheckCuts(t, said, func() (conversation.Conversation, func() outcome) {
				c := &connection{offer: generalOffer()}
				return c, func() outcome { return outcome{c.seen, c.key} }
			})
			if status != test.status {
				t.Errorf("verdict %q, want %q", status, test.status)
			}
			if test.check != nil && !test.check(got) {
				t.Errorf("got %+v", got)
			}
			if got.Key.Status != status {
				t.Errorf("key status %q, verdict %q", got.Key.Status, status)
			}
		})
	}
}

// guessing sets first_kex_packet_follows in an unpadded place: right before the reserved field.
func guessing(packet []byte) []byte {
	packet = bytes.Clone(packet)
	padding := int(packet[4])
	packet[len(packet)-padding-5] = 1
	return packet
}

func TestAServerThatWaitsHearsOurIdentificationFirst(t *testing.T) {
	c := &connection{offer: generalOffer()}
	if s := c.Open(); len(s.Send) != 0 || s.Gap != time.Second {
		t.Errorf("Open: %+v", s)
	}
	if s := c.Quiet(); string(s.Send) != identification || s.Gap != 0 {
		t.Errorf("Quiet: %+v", s)
	}
	if s := c.Feed([]byte("SSH-2.0-x\r\n")); !bytes.Equal(s.Send, kexInitPacket(generalOffer())) {
		t.Errorf("Feed: %q", s.Send)
	}
}

func TestBannerIsAnsweredWithEverythingAtOnce(t *testing.T) {
	c := &connection{offer: generalOffer()}
	c.Open()
	if s := c.Feed([]byte("SSH-2.0-x\r\n")); string(s.Send) != identification+string(kexInitPacket(generalOffer())) {
		t.Errorf("Feed: %q", s.Send)
	}
}

func TestToAsk(t *testing.T) {
	cert := func(s string) string { return s + certificate }
	for _, test := range []struct{ offered, want []string }{
		{[]string{"rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519"}, []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"}},
		{[]string{"ssh-rsa", "ssh-dss"}, []string{"ssh-rsa", "ssh-dss"}},
		{[]string{cert("ssh-ed25519"), "ssh-ed25519", cert("rsa-sha2-512"), "rsa-sha2-512"}, []string{"ssh-ed25519", "rsa-sha2-512"}},
		{[]string{cert("rsa-sha2-512"), cert("rsa-sha2-256")}, []string{cert("rsa-sha2-512")}},
		{[]string{"null", "", "x@example.com", "x@example.com"}, []string{"x@example.com"}},
		{[]string{"a", "b", "c", "d", "e", "f", "g", "h"}, []string{"a", "b", "c", "d", "e", "f"}},
		{nil, nil},
	} {
		if diff := cmp.Diff(test.want, toAsk(test.offered)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.offered, diff)
		}
	}
}

// play runs a probe against a list of answers, one a connection.
func play(p Probe, seen record.Answer, answers ...conversationtest.Transcript) (a record.Answer, status record.Status, connections int) {
	r := p.Start(record.Endpoint{}, seen)
	for ; ; connections++ {
		var x conversation.Exchange
		if !r.Next(&x) {
			return a, r.Fold(&a), connections
		}
		said := conversationtest.Transcript{Then: record.Refused}
		if connections < len(answers) {
			said = answers[connections]
		}
		x.Status, _ = conversationtest.Play(x.Conv, said, nil)
		r.Ended(&x)
	}
}

func TestRun(t *testing.T) {
	turns := func(s ...string) (said conversationtest.Transcript) {
		for _, turn := range s {
			said.Turns = append(said.Turns, []byte(turn))
		}
		return said
	}
	two := string(serverInit(func(k *record.KEXINIT) { k.HostKey = []string{"ssh-ed25519", "ssh-rsa"} }))
	banner, key := "SSH-2.0-x\r\n", string(reply(blob))
	good := turns(banner, two, key)
	silent := conversationtest.Transcript{Then: record.Timeout}
	for name, test := range map[string]struct {
		probe       Probe
		answers     []conversationtest.Transcript
		status      record.Status
		connections int
		keys        []record.Status
	}{
		"both":                            {answers: []conversationtest.Transcript{good, good}, status: record.OK, connections: 2, keys: []record.Status{record.OK, record.OK}},
		"first only":                      {probe: Probe{First: true}, answers: []conversationtest.Transcript{good}, status: record.OK, connections: 1, keys: []record.Status{record.OK}},
		"refused":                         {status: record.Refused, connections: 1},
		"silent":                          {answers: []conversationtest.Transcript{silent}, status: record.Timeout, connections: 1},
		"not SSH":                         {answers: []conversationtest.Transcript{turns("HTTP/1.0 400 Bad\r\n")}, status: record.Malformed, connections: 1},
		"eager refused, then patient":     {answers: []conversationtest.Transcript{good, turns(banner), good}, status: record.OK, connections: 3, keys: []record.Status{record.OK, record.OK}},
		"one key only ever":               {answers: []conversationtest.Transcript{good, turns(banner), turns(banner)}, status: record.OK, connections: 3, keys: []record.Status{record.OK, record.Closed}},
		"silent after the first key":      {answers: []conversationtest.Transcript{good, silent, good}, status: record.OK, connections: 2, keys: []record.Status{record.OK, record.Timeout}},
		"our offer refused":               {answers: []conversationtest.Transcript{turns(banner, two), good, good}, status: record.OK, connections: 3, keys: []record.Status{record.OK, record.OK}},
		"our offer refused, first look":   {probe: Probe{First: true}, answers: []conversationtest.Transcript{turns(banner, two)}, status: record.Closed, connections: 1, keys: []record.Status{record.Closed}},
		"a method that nobody else knows": {answers: []conversationtest.Transcript{turns(banner, string(serverInit(func(k *record.KEXINIT) { k.Kex = []string{"x@y"} })))}, status: record.Alert, connections: 1},
	} {
		t.Run(name, func(t *testing.T) {
			a, status, connections := play(test.probe, record.Answer{}, test.answers...)
			if status != test.status || connections != test.connections {
				t.Errorf("%s after %d connections, want %s after %d", status, connections, test.status, test.connections)
			}
			var keys []record.Status
			if a.SSH != nil {
				for _, k := range a.SSH.HostKeys {
					keys = append(keys, k.Status)
				}
			}
			if diff := cmp.Diff(test.keys, keys); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFailedKeyTypeIsAskedAgainByTheNextProbe(t *testing.T) {
	k, err := parseKexInit(serverInit(func(k *record.KEXINIT) { k.HostKey = []string{"ssh-ed25519", "ssh-rsa"} })[5:])
	if err != nil {
		t.Fatal(err)
	}
	seen := record.Answer{SSH: &record.SSH{KEXINIT: k, HostKeys: []record.HostKey{
		{Algorithm: "ssh-ed25519", Status: record.Timeout}, {Algorithm: "ssh-rsa", Status: record.OK}}}}
	said := conversationtest.Transcript{Turns: [][]byte{slices.Concat([]byte("SSH-2.0-x\r\n"), serverInit(nil), reply(blob))}}
	a, status, connections := play(Probe{}, seen, said)
	if status != record.OK || connections != 1 || len(a.SSH.HostKeys) != 1 || a.SSH.HostKeys[0].Algorithm != "ssh-ed25519" {
		t.Errorf("%s after %d connections: %+v", status, connections, a.SSH)
	}
}

func TestMpint(t *testing.T) { // the examples of RFC 4251 section 5
	for want, v := range map[string]int64{"\x00\x00\x00\x00": 0, "\x00\x00\x00\x02\x00\x80": 0x80, "\x00\x00\x00\x08\x09\xa3\x78\xf9\xb2\xe3\x32\xa7": 0x9a378f9b2e332a7} {
		if got := appendMpint(nil, big.NewInt(v)); string(got) != want {
			t.Errorf("%#x: %q, want %q", v, got, want)
		}
	}
}

func FuzzConnection(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		for _, said := range livetest.Transcripts(f, file) {
			f.Add(bytes.Join(said.Turns, nil), uint16(20))
		}
	}
	f.Add([]byte("SSH-2.0-x\r\n\x00\x00\x00\x0c\xff"), uint16(3))
	f.Add([]byte("hello\r\nHTTP/1.1 400\r\n"), uint16(1))
	f.Fuzz(func(t *testing.T, said []byte, at uint16) {
		cut := func(b []byte) [][]byte {
			n := min(int(at), len(b))
			return [][]byte{b[:n:n], b[n:]}
		}
		whole, cutUp := &connection{offer: generalOffer()}, &connection{offer: generalOffer()}
		if len(said) == 0 || int(at) == 0 || int(at) >= len(said) {
			return
		}
		turn := conversationtest.Transcript{Turns: [][]byte{said}}
		want, _ := conversationtest.Play(whole, turn, nil)
		got, _ := conversationtest.Play(cutUp, turn, cut)
		if want != got {
			t.Errorf("verdict %q, cut at %d %q", want, at, got)
		}
		if diff := cmp.Diff(whole.seen, cutUp.seen); diff != "" {
			t.Errorf("cut at %d:\n%s", at, diff)
		}
	})
}

func FuzzKEXINIT(f *testing.F) {
	f.Add(serverInit(nil)[5:])
	f.Add(append(make([]byte, 17), 0, 0, 0, 1, ','))
	f.Fuzz(func(t *testing.T, payload []byte) {
		k, err := parseKexInit(payload)
		if err != nil {
			return
		}
		again, _, err := packet(kexInitPacket(*k))
		if err != nil {
			return // longer than a packet may be
		}
		got, err := parseKexInit(again)
		if err != nil {
			t.Fatal(err)
		}
		got.FirstKexFollows = k.FirstKexFollows
		if diff := cmp.Diff(k, got); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkFirstLook(b *testing.B) {
	said := livetest.Transcripts(b, "testdata/openssh.json")[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, status, _ := play(Probe{First: true}, record.Answer{}, said); status != record.OK {
			b.Fatal(status)
		}
	}
}

// RFC 4253 section 4.2: at most 255 characters with CR and LF, printable ASCII.
func TestIdentificationCarriesTheContact(t *testing.T) {
	fits := "https://" + strings.Repeat("x", MaxContact-len("https://"))
	for contact, want := range map[string]string{
		"":                        "SSH-2.0-hostkin_1.0\r\n",
		"https://example.org/":    "SSH-2.0-hostkin_1.0 https://example.org/\r\n",
		fits:                      "SSH-2.0-hostkin_1.0 " + fits + "\r\n",
		fits + "x":                "SSH-2.0-hostkin_1.0\r\n",
		"a\r\nb":                  "SSH-2.0-hostkin_1.0\r\n",
		"a b":                     "SSH-2.0-hostkin_1.0\r\n",
		"b\u00fccher@example.org": "SSH-2.0-hostkin_1.0\r\n",
	} {
		if got := identify(contact); got != want || len(got) > 255 {
			t.Errorf("%q: %q of %d characters, want %q", contact, got, len(got), want)
		}
	}
	r := Probe{Contact: "mailto:a@example.org"}.Start(record.Endpoint{}, record.Answer{})
	x := &conversation.Exchange{}
	r.Next(x)
	x.Conv.Open()
	if s := x.Conv.Quiet(); string(s.Send) != "SSH-2.0-hostkin_1.0 mailto:a@example.org\r\n" {
		t.Errorf("%q", s.Send)
	}
}

package pcap

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/google/gopacket/layers"

	"github.com/hostkin/hostkin/scanner/record"
)

const (
	request  = "GET / HTTP/1.1\r\nHost: site.example\r\n\r\n"
	response = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n0123456789012345678901234567890123456789"
)

// told is what observations say, in short.
func told(list []record.Observation) (out []string) {
	for _, o := range list {
		s := fmt.Sprintf("%s:%d %s %s %s", o.Host.IP, o.Port, o.Host.Name, o.Probe, o.Status)
		switch {
		case o.HTTP != nil && o.HTTP.Root != nil:
			s += fmt.Sprintf(" %d %s", o.HTTP.Root.Code, o.HTTP.Root.Body)
		case o.SSH != nil:
			s += fmt.Sprintf(" %q", o.SSH.Banner)
		case o.Detect != nil:
			s += fmt.Sprintf(" %q", o.Detect.Banner)
		}
		out = append(out, s)
	}
	return out
}

func TestConnections(t *testing.T) {
	const at, tcp = "192.0.2.80:80", "192.0.2.80:80  tcp ok"
	page := func(status string, body int) string {
		return "192.0.2.80:80 site.example http " + status + " 200 " + response[len(response)-40:][:body]
	}
	whole := []string{tcp, page("ok", 40)}
	base := func(t *testing.T) *talk {
		return newTalk(t, "198.51.100.1:40000", at).shake().say(client, request, 1000).say(server, response, 20)
	}
	// The packets are 0 to 2 the handshake, 3 the request, 4 to 7 the response.
	for name, c := range map[string]struct {
		edit func(*talk)
		want []string
	}{
		"in order":                    {func(k *talk) { k.fin(server).fin(client) }, whole},
		"no end in the capture":       {func(k *talk) {}, whole},
		"out of order":                {func(k *talk) { swap(k, 4, 7) }, whole},
		"answer before the question":  {func(k *talk) { swap(k, 3, 4) }, whole},
		"backwards":                   {func(k *talk) { slices.Reverse(k.packets[4:]) }, whole},
		"everything twice":            {func(k *talk) { twice(k) }, whole},
		"retransmitted later":         {func(k *talk) { k.packets = append(k.packets, k.packets[4]) }, whole},
		"the SYN twice":               {func(k *talk) { k.packets = slices.Insert(k.packets, 1, k.packets[0]) }, whole},
		"overlapping":                 {func(k *talk) { overlap(k, 6, 5) }, whole},
		"overlapping, another text":   {func(k *talk) { overlap(k, 6, 5); k.packets[6].ip[40+2] ^= 0xff }, whole},
		"SYN lost":                    {func(k *talk) { drop(k, 0) }, []string{page("ok", 40)}},
		"SYN-ACK lost":                {func(k *talk) { drop(k, 1) }, []string{page("ok", 40)}},
		"handshake lost":              {func(k *talk) { k.packets = k.packets[3:] }, []string{page("ok", 40)}},
		"a packet of the answer lost": {func(k *talk) { drop(k, 6) }, []string{tcp, page("truncated", 1)}},
		"the question lost":           {func(k *talk) { drop(k, 3) }, []string{tcp}},
		"the question lost, but repeated": {func(k *talk) {
			k.packets = append(k.packets, k.packets[3])
			drop(k, 3)
		}, whole},
		"reset by the server in the middle": {func(k *talk) {
			k.packets = k.packets[:6]
			k.seq[server] -= uint32(len(response) - 40)
			k.rst(server)
		}, []string{tcp, page("reset", 1)}},
		"the client leaves in the middle": {func(k *talk) {
			k.packets = k.packets[:6]
			k.rst(client)
		}, []string{tcp, page("timeout", 1)}},
		"the client gives up, the server's FIN answers its": {func(k *talk) {
			k.packets = k.packets[:6]
			k.seq[server] -= uint32(len(response) - 40)
			k.fin(client).fin(server)
		}, []string{tcp, page("timeout", 1)}},
		"the server gives up": {func(k *talk) {
			k.packets = k.packets[:6]
			k.seq[server] -= uint32(len(response) - 40)
			k.fin(server).fin(client)
		}, []string{tcp, page("closed", 1)}},
		"the client ends first, the server goes on": {func(k *talk) {
			answer := slices.Clone(k.packets[4:])
			k.packets = k.packets[:4]
			k.fin(client)
			k.packets = append(k.packets, answer...)
			k.fin(server)
		}, whole},
		"the ports are used again": {func(k *talk) {
			k.fin(client).fin(server)
			k.seq = [2]uint32{5_000_000, 6_000_000}
			k.shake().say(client, "GET /favicon.ico HTTP/1.1\r\nHost: site.example\r\n\r\n", 9).say(server, response, 9)
		}, whole},
		"a SYN scan":        {func(k *talk) { k.packets = k.packets[:2]; k.rst(client) }, []string{tcp}},
		"a refusal":         {func(k *talk) { k.packets = k.packets[:1]; k.rst(server) }, nil},
		"a SYN-ACK alone":   {func(k *talk) { k.packets = k.packets[1:2] }, nil},
		"another's SYN-ACK": {func(k *talk) { k.packets[1].ip[31] ^= 1 }, []string{page("ok", 40)}},
	} {
		t.Run(name, func(t *testing.T) {
			k := base(t)
			c.edit(k)
			if diff := gocmp.Diff(c.want, told(watch(t, file(t, linkEthernet, k.packets)))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func swap(k *talk, a, b int) { k.packets[a], k.packets[b] = k.packets[b], k.packets[a] }

func drop(k *talk, n int) { k.packets = slices.Delete(k.packets, n, n+1) }

func twice(k *talk) {
	var all []packet
	for _, p := range k.packets {
		all = append(all, p, p)
	}
	k.packets = all
}

// overlap makes packet n begin some bytes earlier, with what was there.
func overlap(k *talk, n, by int) {
	before, after := k.packets[n-1].ip, k.packets[n].ip
	b := slices.Concat(after[:40], before[len(before)-by:], after[40:])
	b[2], b[3] = byte(len(b)>>8), byte(len(b))
	binary.BigEndian.PutUint32(b[24:], binary.BigEndian.Uint32(b[24:])-uint32(by))
	k.packets[n].ip = b
}

func TestLinkLayersAndFormats(t *testing.T) {
	for _, ends := range [][2]string{{"198.51.100.1:40000", "192.0.2.80:80"}, {"[2001:db8::1]:40000", "[2001:db8::80]:80"}} {
		packets := newTalk(t, ends[0], ends[1]).shake().say(client, request, 9).say(server, response, 9).packets
		want := watch(t, file(t, linkEthernet, packets))
		if len(want) != 2 {
			t.Fatalf("observations: %q", told(want))
		}
		for _, link := range []uint16{linkSLL, linkSLL2, linkNull, linkLoop, linkRaw, linkRawBSD} {
			if diff := gocmp.Diff(told(want), told(watch(t, file(t, link, packets)))); diff != "" {
				t.Errorf("link type %d:\n%s", link, diff)
			}
			for order := range 2 {
				if diff := gocmp.Diff(told(want), told(watch(t, ngFile(link, order == 1, packets)))); diff != "" {
					t.Errorf("pcapng, link type %d, byte order %d:\n%s", link, order, diff)
				}
			}
		}
		tagged := slices.Clone(packets)
		for i, p := range tagged { // two VLAN tags, and the padding of a short frame
			tagged[i].ip = slices.Concat(make([]byte, 12), []byte{0x88, 0xa8, 0, 7, 0x81, 0, 0, 9, 8 << (p.ip[0] >> 7), 0}, p.ip, make([]byte, 6))
			if p.ip[0]>>4 == 6 {
				copy(tagged[i].ip[20:], []byte{0x86, 0xdd})
			}
		}
		raw := file(t, linkRaw, tagged)
		raw[20] = linkEthernet
		if diff := gocmp.Diff(told(want), told(watch(t, raw))); diff != "" {
			t.Errorf("VLAN:\n%s", diff)
		}
	}
}

func TestWhichSideIsTheServer(t *testing.T) {
	const hello, answer = "SSH-2.0-client\r\n", "SSH-2.0-server\r\n"
	for name, c := range map[string]struct {
		from, to string
		say      func(*talk) *talk
		want     []string
	}{
		"SSH, no handshake": {"198.51.100.1:40000", "192.0.2.22:22", func(k *talk) *talk { return k.say(client, hello, 99).say(server, answer, 99) },
			[]string{`192.0.2.22:22  ssh timeout "SSH-2.0-server\r\n"`}},
		"SSH, no handshake, the server first": {"198.51.100.1:40000", "192.0.2.22:22", func(k *talk) *talk { return k.say(server, answer, 99).say(client, hello, 99) },
			[]string{`192.0.2.22:22  ssh timeout "SSH-2.0-server\r\n"`}},
		"SSH between high ports, no handshake": {"198.51.100.1:40000", "192.0.2.22:50022", func(k *talk) *talk { return k.say(server, answer, 99).say(client, hello, 99) }, nil},
		"SSH between high ports": {"198.51.100.1:40000", "192.0.2.22:50022", func(k *talk) *talk { return k.shake().say(server, answer, 99).say(client, hello, 99) },
			[]string{"192.0.2.22:50022  tcp ok", `192.0.2.22:50022  ssh timeout "SSH-2.0-server\r\n"`}},
		"a server that speaks first": {"198.51.100.1:40000", "192.0.2.25:25", func(k *talk) *talk { return k.shake().say(server, "220 mail\r\n", 3).say(client, "EHLO x\r\n", 9) },
			[]string{"192.0.2.25:25  tcp ok", `192.0.2.25:25  detect malformed "220 mail\r\n"`}},
		"one that speaks first, in the middle": {"198.51.100.1:40000", "192.0.2.25:25", func(k *talk) *talk { return k.say(server, "220 mail\r\n", 99).say(client, "EHLO x\r\n", 9) }, nil},
		"an unknown protocol": {"198.51.100.1:40000", "192.0.2.25:25", func(k *talk) *talk { return k.shake().say(client, "\x00\x01", 9).say(server, "\x02", 9) },
			[]string{"192.0.2.25:25  tcp ok"}},
		"the client of high rank": {"198.51.100.1:80", "192.0.2.80:40000", func(k *talk) *talk { return k.say(client, request, 99).say(server, response, 99) },
			[]string{"192.0.2.80:40000 site.example http ok 200 0123456789012345678901234567890123456789"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := c.say(newTalk(t, c.from, c.to))
			if diff := gocmp.Diff(c.want, told(watch(t, file(t, linkRaw, k.packets)))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPagesOfOneConnection(t *testing.T) {
	get := func(path, host, more string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n"
	}
	answer := func(code int, body string) string {
		return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s", code, len(body), body)
	}
	k := newTalk(t, "198.51.100.1:40000", "192.0.2.80:8080").shake()
	for _, e := range [][2]string{
		{get("/big", "192.0.2.80:8080", ""), answer(200, strings.Repeat("x", 200_000))},
		{"HEAD / HTTP/1.1\r\nHost: 192.0.2.80:8080\r\n\r\n", "HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n"},
		{"POST / HTTP/1.1\r\nHost: 192.0.2.80:8080\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n", answer(200, "posted")},
		{get("/", "192.0.2.80:8080", "If-None-Match: x\r\n"), "HTTP/1.1 304 X\r\n\r\n"},
		{get("/", "192.0.2.80:8080", ""), "HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nroot\r\n0\r\n\r\n"},
		{get("/", "192.0.2.80:8080", ""), answer(200, "again")},
		{get("/", "Other.example:8080", ""), answer(200, "other")},
		{get("/pic.png", "192.0.2.80:8080", ""), answer(200, "no icon")},
		{get("/favicon.ico", "192.0.2.80:8080", ""), answer(200, "icon")},
		{get("/hostkin-asks-for-a-missing-page", "192.0.2.80:8080", ""), answer(404, "missing")},
	} {
		k.say(client, e[0], 1000).say(server, e[1], 1000)
	}
	got := watch(t, file(t, linkRaw, k.packets))
	want := []string{"192.0.2.80:8080  tcp ok", "192.0.2.80:8080  http ok 200 root", "192.0.2.80:8080 other.example http ok 200 other"}
	if diff := gocmp.Diff(want, told(got)); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	h := got[1].HTTP
	if h.Host != "192.0.2.80:8080" || h.Favicon == nil || string(h.Favicon.Body) != "icon" || h.Missing == nil || h.Missing.Code != 404 {
		t.Errorf("%+v, favicon %+v, missing %+v", h, h.Favicon, h.Missing)
	}
}

// TestWhatIsOverIsNotBegunAgain: the rest of a connection that is read no more
// is no connection without a handshake.
func TestWhatIsOverIsNotBegunAgain(t *testing.T) {
	k := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80").shake().
		say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 99).say(server, "HTTP/1.1 204 X\r\nConnection: close\r\n\r\n", 99).
		say(client, "GET /more HTTP/1.1\r\nHost: a\r\n\r\n", 99).say(server, "HTTP/1.1 204 X\r\n\r\n", 99).
		say(client, "GET /favicon.ico HTTP/1.1\r\nHost: a\r\n\r\n", 99).say(server, "HTTP/1.1 204 X\r\n\r\n", 99)
	got := watch(t, file(t, linkRaw, k.packets))
	if len(got) != 2 || got[1].HTTP.Root == nil || got[1].HTTP.Favicon != nil {
		t.Errorf("%q", told(got))
	}
}

// TestWhatIsDropped counts what cannot be read.
func TestWhatIsDropped(t *testing.T) {
	k := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80").shake().say(client, request, 1000)
	fragment := slices.Clone(k.packets[3].ip)
	fragment[6] = 0x20
	short := slices.Clone(k.packets[3].ip)[:60]
	bad := slices.Clone(k.packets[3].ip)
	bad[32] = 0x10
	udp := slices.Clone(k.packets[3].ip)
	udp[9] = 17
	k.packets = append(k.packets, packet{start, fragment}, packet{start, short}, packet{start, bad}, packet{start, udp})
	w := New(Config{Emit: func(record.Observation) {}})
	for _, link := range []uint16{linkRaw, 147} {
		if err := w.Read(t.Context(), bytes.NewReader(file(t, link, k.packets))); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	want := Stats{Packets: 16, Connections: 1, Endpoints: 1, OtherLink: 8, Fragments: 1, Broken: 1, Cut: 1}
	if got := w.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTheSameCaptureGivesTheSameBytes(t *testing.T) {
	var all []packet
	for n := range 300 { // connections without an end, with a gap each, that are given up together
		k := newTalk(t, fmt.Sprintf("198.51.100.1:%d", 40000+n), fmt.Sprintf("192.0.2.%d:80", n%200+1)).shake().say(client, request, 99).say(server, response, 20)
		drop(k, 5)
		all = append(all, k.packets...)
	}
	slices.SortStableFunc(all, func(a, b packet) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	first := ""
	for range 5 {
		var out []string
		w := New(Config{Connections: 64, Endpoints: 40, Emit: func(o record.Observation) { out = append(out, fmt.Sprint(told([]record.Observation{o}), o.At, o.Ms)) }})
		if err := w.Read(t.Context(), bytes.NewReader(file(t, linkRaw, all))); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if text := strings.Join(out, "\n"); first == "" {
			first = text
		} else if text != first {
			t.Fatal("the observations differ from those of the last time")
		}
	}
}

func TestTimesAreThoseOfTheCapture(t *testing.T) {
	k := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80").shake().say(client, request, 1000).say(server, response, 20)
	for i := range k.packets {
		k.packets[i].at = start.In(time.FixedZone("", 3600)).Add(time.Duration(i) * time.Second)
	}
	got := watch(t, file(t, linkRaw, k.packets))
	for i, ms := range []float64{1000, 7000} {
		if o := got[i]; !o.At.Equal(start) || o.At.Location() != time.UTC || o.Ms != ms {
			t.Errorf("%s at %v, %v ms, want %v and %v", o.Probe, o.At, o.Ms, start, ms)
		}
	}
}

// TestIdleConnectionsEnd: what is silent for the idle time is over, and what
// it leaves behind is no beginning.
func TestIdleConnectionsEnd(t *testing.T) {
	k := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80").shake().say(client, request, 1000).say(server, response[:50], 99)
	other := newTalk(t, "198.51.100.2:40000", "192.0.2.81:80")
	for n := range 20 {
		other.tcp(client, 0, "", func(*layers.TCP) {})
		other.packets[n].at = start.Add(time.Duration(n) * 10 * time.Second)
	}
	late := newTalk(t, "198.51.100.1:40000", "192.0.2.80:80")
	late.seq = k.seq
	late.say(server, response[50:], 99)
	late.packets[0].at = start.Add(time.Hour)
	got := told(watch(t, file(t, linkRaw, slices.Concat(k.packets, other.packets, late.packets))))
	want := []string{"192.0.2.80:80  tcp ok", "192.0.2.80:80 site.example http timeout 200 " + response[len(response)-40:][:50-(len(response)-40)]}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

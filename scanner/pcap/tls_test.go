package pcap

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/jarmprobe"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/tlsprobe"
)

// flight is a ServerHello and a ServerHelloDone of TLS 1.2, without a certificate.
const flight = "\x16\x03\x03\x00\x2e\x02\x00\x00\x26\x03\x03" + "01234567890123456789012345678901" + "\x00\xc0\x2f\x00" + "\x0e\x00\x00\x00"

// hellos are those of a probe, as it sends them to an endpoint.
func hellos(t *testing.T, p conversation.Probe, answer string) (out []string) {
	t.Helper()
	at := record.Endpoint{Host: record.Host{IP: netip.MustParseAddr("192.0.2.44")}, Port: 443}
	run := p.Start(at, record.Answer{})
	var x conversation.Exchange
	for run.Next(&x) {
		out = append(out, string(x.Conv.Open().Send))
		x.Conv.Feed([]byte(answer))
		x.Connected, x.Status = true, x.Conv.End(record.Closed)
		run.Ended(&x)
		x = conversation.Exchange{}
	}
	return out
}

// TestHellosAreJoined: five connections make one observation, and how the
// server takes what comes after D's stands in it.
func TestHellosAreJoined(t *testing.T) {
	var packets []packet
	for i, hello := range hellos(t, tlsprobe.Probe{}, flight) {
		k := newTalk(t, "198.51.100.1:40000", "192.0.2.44:443")
		k.ends[client] = netip.AddrPortFrom(k.ends[client].Addr(), uint16(40000+i))
		k.shake().say(client, hello, 100).say(server, flight, 9)
		k.say(client, "\x14\x03\x03\x00\x01\x01", 1000).say(server, "\x15\x03\x03\x00\x02\x02\x0a", 9).fin(server)
		packets = append(packets, k.packets...)
	}
	got := watch(t, file(t, linkRaw, packets))
	if len(got) != 2 || got[1].Probe != "tls" || got[1].Status != record.OK || len(got[1].TLS.Others) != 4 {
		t.Fatalf("%q", told(got))
	}
	c, d := got[1].TLS.TLSAnswer, got[1].TLS.Others[1]
	if c.Hello != "c" || c.After != nil {
		t.Errorf("%+v, after %+v", c, c.After)
	}
	if d.Hello != "d" || d.After == nil || d.After.Sent != "ccs" || len(d.After.Alerts) != 1 || d.After.End != record.Closed {
		t.Errorf("%+v, after %+v", d, d.After)
	}
	if prints := fingerprints.Of(got[1]); len(prints) == 0 || prints[0].Kind != "tls.server.c" {
		t.Errorf("%v", prints)
	}
}

// TestJARMWithoutSomeAnswersIsPartial: hellos that the capture does not hold
// are unknown, those that were refused are not.
func TestJARMWithoutSomeAnswersIsPartial(t *testing.T) {
	all := hellos(t, jarmprobe.Probe{}, flight)
	for name, c := range map[string]struct {
		skip    int
		partial bool
	}{"all ten": {-1, false}, "the fourth is missing": {3, true}, "the first is missing": {0, true}} {
		var packets []packet
		for i, hello := range all {
			k := newTalk(t, "198.51.100.1:40000", "192.0.2.44:443")
			k.ends[client] = netip.AddrPortFrom(k.ends[client].Addr(), uint16(40000+i))
			k.shake().say(client, hello, 100)
			if i == 5 {
				k.fin(server) // an answer too
			} else {
				k.say(server, flight, 9)
			}
			if i != c.skip {
				packets = append(packets, k.packets...)
			}
		}
		got := watch(t, file(t, linkRaw, packets))
		if len(got) != 2 || got[1].Probe != "jarm" || got[1].Status != record.OK || len(got[1].JARM.Answers) != 10 {
			t.Fatalf("%s: %q", name, told(got))
		}
		if prints := fingerprints.Of(got[1]); len(prints) != 1 || prints[0].Partial != c.partial || got[1].JARM.Answers[5].Status != record.Closed {
			t.Errorf("%s: %v, %+v", name, prints, got[1].JARM)
		}
	}
}

// TestPlainHTTPOnATLSPort is not the site of that port.
func TestPlainHTTPOnATLSPort(t *testing.T) {
	plain := newTalk(t, "198.51.100.1:40000", "192.0.2.44:443").shake().say(client, "GET / HTTP/1.1\r\nHost: 192.0.2.44:443\r\n\r\n", 99).
		say(server, strings.Replace(response, "200 OK", "400 Bad", 1), 99)
	secure := newTalk(t, "198.51.100.1:40001", "192.0.2.44:443").shake().say(client, hellos(t, tlsprobe.Probe{}, flight)[0], 999).say(server, flight, 99)
	got := watch(t, file(t, linkRaw, append(plain.packets, secure.packets...)))
	if len(got) != 3 || got[2].Probe != "http" {
		t.Fatalf("%q", told(got))
	}
	if h := got[2].HTTP; !h.TLS || h.Root != nil || h.Plain == nil || h.Plain.Code != 400 {
		t.Errorf("%+v", h)
	}
}

// TestAConnectionIsReadUpToABound, though the server sends what is skipped for ever.
func TestAConnectionIsReadUpToABound(t *testing.T) {
	ignore := "\x00\x00\x00\x0c\x04\x02" + strings.Repeat("\x00", 10) // SSH_MSG_IGNORE
	k := newTalk(t, "198.51.100.1:40000", "192.0.2.22:22").shake().say(client, "SSH-2.0-client\r\n", 99)
	k.say(server, "SSH-2.0-server\r\n"+strings.Repeat(ignore, 3<<20/len(ignore)), 60_000)
	got := watch(t, file(t, linkRaw, k.packets))
	if len(got) != 2 || got[1].Status != record.Truncated {
		t.Errorf("%q", told(got))
	}
}

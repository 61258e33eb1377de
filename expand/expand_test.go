package expand_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"net"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hostkin/hostkin/cluster"
	"github.com/hostkin/hostkin/expand"
	"github.com/hostkin/hostkin/internal/lab"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner"
	"github.com/hostkin/hostkin/scanner/record"
	"github.com/hostkin/hostkin/scanner/targets"
)

func demo(t *testing.T) *lab.Town {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	town, err := lab.Demo(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	return town
}

// A live expansion finds the provider, never lists the seed, and saved
// observations judged without a network give the same kin.
func TestLiveAndSavedAgree(t *testing.T) {
	town := demo(t)
	o := options(t, town.Within, town.Ports, town.Seed)
	o.Full = true
	var saved []record.Observation
	o.Observed = func(obs record.Observation) { saved = append(saved, obs) }
	live, err := expand.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, a := range town.Provider(town.Truth[town.Seed].Provider) {
		if a != town.Seed {
			want = append(want, a.String())
		}
	}
	slices.SortFunc(want, cluster.CompareAddr)
	if got := kinOf(live); !slices.Equal(got, want) {
		t.Errorf("kin %v\nwant %v", got, want)
	}
	if slices.ContainsFunc(live.Kin, func(k cluster.Kin) bool { return k.Host == town.Seed.String() }) {
		t.Error("the seed is listed among the results")
	}
	slices.Reverse(saved)
	o.Scan = nil
	judged, err := expand.Judge(slices.Values(saved), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range judged.Kin { // ports that refused cost a connection that only the file tells of
		judged.Kin[i].Probes, live.Kin[i].Probes = cluster.Asked{}, cluster.Asked{}
	}
	if !reflect.DeepEqual(judged.Kin, live.Kin) {
		t.Error("saved observations in another order give another judgement than the live expansion")
	}
}

func TestSilentSeed(t *testing.T) {
	o := options(t, "127.66.200.0/30", "10022/ssh", netip.MustParseAddr("127.66.200.1"))
	if _, err := expand.Run(t.Context(), o); !errors.Is(err, expand.ErrSeedSilent) {
		t.Errorf("live: %v, want ErrSeedSilent", err)
	}
	if _, err := expand.Judge(slices.Values([]record.Observation{}), o); !errors.Is(err, expand.ErrSeedSilent) {
		t.Errorf("saved: %v, want ErrSeedSilent", err)
	}
}

// A host that accepts connections and says nothing is no seed.
func TestMuteSeed(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	l, err := net.Listen("tcp", "127.66.201.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
		}
	}()
	o := options(t, "127.66.201.0/30", fmt.Sprintf("%d/ssh", l.Addr().(*net.TCPAddr).Port), netip.MustParseAddr("127.66.201.1"))
	scan := o.Scan
	o.Scan = func(ctx context.Context, hosts iter.Seq[targets.Target], next scanner.Next, emit func(record.Observation)) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second) // the probe itself would wait longer
		defer cancel()
		_ = scan(ctx, hosts, next, emit)
		return nil
	}
	if _, err := expand.Run(t.Context(), o); !errors.Is(err, expand.ErrSeedSilent) {
		t.Errorf("%v, want ErrSeedSilent", err)
	}
}

// Ctrl-C in the middle loses nothing: what answered by then is judged.
func TestCancelJudgesWhatIsThere(t *testing.T) {
	town := demo(t)
	o := options(t, town.Within, town.Ports, town.Seed)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	answers := 0
	o.Observed = func(obs record.Observation) {
		if obs.Host.IP != town.Seed && obs.Status == record.OK {
			if answers++; answers == 60 {
				cancel()
			}
		}
	}
	result, err := expand.Run(ctx, o)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	if len(result.Kin) == 0 || len(result.Kin) >= len(town.Truth)-1 {
		t.Errorf("%d hosts are judged, want some of %d", len(result.Kin), len(town.Truth)-1)
	}
}

// Pruned hosts are looked at again when a second hop's kin vouch for them.
func TestSecondHopAsksOn(t *testing.T) {
	town := demo(t)
	o := options(t, town.Within, town.Ports, town.Seed)
	o.Cluster.Hops = 2
	scans := 0
	inner := o.Scan
	o.Scan = func(ctx context.Context, hosts iter.Seq[targets.Target], next scanner.Next, emit func(record.Observation)) error {
		scans++
		return inner(ctx, hosts, next, emit)
	}
	two, err := expand.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if scans != 3 {
		t.Errorf("%d scans, want 3: seeds, candidates, what the first kin leave open", scans)
	}
	for _, k := range two.Kin {
		if k.Verdict == cluster.VerdictKin && town.Truth[netip.MustParseAddr(k.Host)].Provider != town.Truth[town.Seed].Provider {
			t.Errorf("%s is called kin at hop %d: %+v", k.Host, k.Hop, town.Truth[netip.MustParseAddr(k.Host)])
		}
	}
}

// A host that is known to be no kin is looked at in full, once, and what it
// holds speaks for nobody.
func TestHostThatIsNoKin(t *testing.T) {
	town := demo(t)
	provider := town.Provider(town.Truth[town.Seed].Provider)
	not := provider[slices.IndexFunc(provider, func(a netip.Addr) bool { return town.Truth[a].Kind == town.Truth[town.Seed].Kind && a != town.Seed })]
	around := netip.PrefixFrom(not, 29).Masked()
	o := options(t, around.String(), town.Ports, town.Seed)
	o.Not, o.Cluster.Not = []targets.Target{{Host: record.Host{IP: not}}}, []string{not.String()}
	var looked []netip.Addr // in the second scan
	scans, again := 0, false
	inner := o.Scan
	o.Scan = func(ctx context.Context, hosts iter.Seq[targets.Target], next scanner.Next, emit func(record.Observation)) error {
		scans++
		return inner(ctx, func(yield func(targets.Target) bool) {
			for h := range hosts {
				if scans == 2 {
					looked = append(looked, h.Host.IP)
				}
				again = again || scans == 3 && h.Host.IP == not
				if !yield(h) {
					return
				}
			}
		}, next, emit)
	}
	result, err := expand.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(looked, []netip.Addr{not}) || scans != 3 || again {
		t.Errorf("%d scans, of %v in the second, as a candidate too: %v; want 3, %v alone", scans, looked, again, not)
	}
	for _, k := range result.Kin {
		if k.Verdict == cluster.VerdictKin && town.Truth[netip.MustParseAddr(k.Host)].Kind == town.Truth[not].Kind {
			t.Errorf("%s is called kin, though one of the same image is said to be none", k.Host)
		}
	}
}

// A port that speaks SMTP at the seed is asked SMTP at the candidates, although
// it showed TLS as well, and nothing else.
func TestCandidatesAreAskedTheSeedsService(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	const seed, candidate = "127.66.202.1", "127.66.202.2"
	cert := testCertificate(t)
	at := mailServer(t, seed+":0", cert)
	mailServer(t, fmt.Sprintf("%s:%d", candidate, at.Port()), cert)
	o := options(t, "127.66.202.0/30", fmt.Sprint(at.Port()), netip.MustParseAddr(seed))
	asked := map[string][]string{}
	o.Observed = func(obs record.Observation) {
		asked[obs.Host.String()] = append(asked[obs.Host.String()], obs.Probe+":"+string(obs.Status))
	}
	result, err := expand.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"tcp:ok", "detect:ok", "smtp:ok"}; !slices.Equal(asked[seed], want) {
		t.Errorf("seed: %q, want %q", asked[seed], want)
	}
	if want := []string{"tcp:ok", "smtp:ok"}; !slices.Equal(asked[candidate], want) {
		t.Errorf("candidate: %q, want %q", asked[candidate], want)
	}
	if len(result.Kin) != 1 || result.Kin[0].Verdict != cluster.VerdictKin || result.Kin[0].Evidence[0].Kind != "cert.sha256" {
		t.Errorf("the certificate behind STARTTLS makes no kin: %+v", result.Kin)
	}
}

func testCertificate(t *testing.T) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// mailServer speaks SMTP, and TLS after STARTTLS.
func mailServer(t *testing.T, addr string, cert tls.Certificate) netip.AddrPort {
	t.Helper()
	return livetest.Listen(t, addr, func(c net.Conn) {
		fmt.Fprint(c, "220 mail.example.net ESMTP\r\n")
		for in := bufio.NewScanner(c); in.Scan(); {
			switch command, _, _ := strings.Cut(in.Text(), " "); command {
			case "EHLO":
				fmt.Fprint(c, "250-mail.example.net\r\n250 STARTTLS\r\n")
			case "STARTTLS":
				fmt.Fprint(c, "220 go\r\n")
				secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
				secure.Handshake()
				io.Copy(io.Discard, secure)
				return
			}
		}
	})
}

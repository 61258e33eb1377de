package farm

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
)

// The servers of language runtimes. Each reads a file with all its sites.
var (
	//go:embed server.py
	pythonServer string
	//go:embed server.js
	nodeServer string
	//go:embed Server.java
	javaServer string
	//go:embed server.escript
	erlangServer string
)

// plan is what a runtime's server reads of one site.
type plan struct {
	Address   string
	Port      uint16
	Cert, Key []string // files
	Min, Max  string
	Ciphers   string
	Curves    string
	Prefer    string
	ALPN      []string
	Ask       string
	CA, DH    string // files
	NoTickets bool
	Strict    bool
	Host      string
	Own       string
}

func (f *Farm) plan(name string, places []place) (string, []plan) {
	var list []plan
	for _, l := range places {
		p := plan{Address: l.at.Addr().String(), Port: l.at.Port(), Min: l.Min, Max: l.Max, Ciphers: l.Ciphers, Curves: l.Curves,
			Prefer: l.Prefer, Ask: l.Ask, CA: f.creds.ca, NoTickets: l.NoTickets, Strict: l.Strict, Host: Host, Own: l.Own}
		if l.ALPN != "" {
			p.ALPN = strings.Split(l.ALPN, ",")
		}
		if l.DH {
			p.DH = f.creds.dh
		}
		for _, c := range l.certs {
			p.Cert, p.Key = append(p.Cert, c.cert), append(p.Key, c.key)
		}
		list = append(list, p)
	}
	b, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		f.fail(err)
	}
	return f.write(name+".json", string(b)), list
}

func (f *Farm) python(places []place) {
	file, _ := f.plan("python", places)
	f.run(places, python, f.write("server.py", pythonServer), file)
}

func (f *Farm) node(places []place) {
	file, _ := f.plan("node", places)
	f.run(places, "node", f.write("server.js", nodeServer), file)
}

func (f *Farm) goTLS(places []place) {
	file, _ := f.plan("go", places)
	f.run(places, f.goServer[0], append(f.goServer[1:len(f.goServer):len(f.goServer)], file)...)
}

// java reads a line a site, its fields separated by tabs.
func (f *Farm) java(places []place) {
	var s settings
	_, list := f.plan("java", places)
	for i, p := range list {
		store := f.path(fmt.Sprintf("java-%d.p12", i))
		out, err := exec.Command("openssl", "pkcs12", "-export", "-in", p.Cert[0], "-inkey", p.Key[0], "-out", store, "-passout", "pass:farm").CombinedOutput()
		if err != nil {
			f.fail(fmt.Errorf("openssl pkcs12: %w\n%s", err, out))
		}
		versions := openSSL(places[i].versions(), "", ",")
		s.add("%s", strings.Join([]string{p.Address, fmt.Sprint(p.Port), store, versions, p.Ciphers, strings.Join(p.ALPN, ","), p.Ask, p.Prefer}, "\t"))
	}
	// jdk.tls.disabledAlgorithms of the JDK forbids TLS 1.0 and 1.1.
	security := f.write("java.security", "jdk.tls.disabledAlgorithms=SSLv3, RC4, DES, anon, NULL\n")
	f.run(places, "java", "-Xmx96m", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.security.properties="+security, "-Djdk.tls.ephemeralDHKeySize=2048",
		f.write("Server.java", javaServer), f.write("java.tsv", s.String()))
}

// erlang reads terms.
func (f *Farm) erlang(places []place) {
	var s settings
	_, list := f.plan("erlang", places)
	for i, p := range list {
		var o []string
		add := func(format string, args ...any) { o = append(o, fmt.Sprintf(format, args...)) }
		add("{certfile, %q}, {keyfile, %q}", p.Cert[0], p.Key[0])
		if v := places[i].versions(); len(v) > 0 {
			add("{versions, ['%s']}", strings.ToLower(openSSL(v, "", "','")))
		}
		if p.Prefer == "server" {
			add("{honor_cipher_order, true}")
		}
		if p.Ask != "" {
			add("{verify, verify_peer}, {cacertfile, %q}, {fail_if_no_peer_cert, %t}", p.CA, p.Ask == "require")
		}
		if len(p.ALPN) > 0 {
			add("{alpn_preferred_protocols, [<<%q>>]}", strings.Join(p.ALPN, "\">>, <<\""))
		}
		if p.Own != "" {
			add("%s", p.Own)
		}
		s.add("{%q, %d, [%s]}.", p.Address, p.Port, strings.ReplaceAll(strings.Join(o, ", "), `\"`, `"`))
	}
	f.run(places, "escript", f.write("server.escript", erlangServer), f.write("erlang.terms", s.String()))
}

package livetest

import (
	"encoding/pem"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// JARMGo builds jarm-go, which lives in a module of its own, and returns what
// it says of a server.
func JARMGo(tb testing.TB) func(testing.TB, netip.AddrPort) string {
	tb.Helper()
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		tb.Fatal(err)
	}
	program := filepath.Join(tb.TempDir(), "jarmoracle")
	build := exec.Command("go", "build", "-o", program, "./jarmoracle")
	build.Dir = filepath.Join(strings.TrimSpace(string(root)), "tools")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("the oracle does not build: %v\n%s", err, out)
	}
	return func(tb testing.TB, at netip.AddrPort) string {
		tb.Helper()
		out, err := exec.Command(program, at.String()).Output()
		if err != nil {
			tb.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
}

// OpenSSLChain is the certificates that openssl s_client is shown, leaf first.
func OpenSSLChain(tb testing.TB, at netip.AddrPort) [][]byte {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), Need(tb, "openssl"), "s_client", "-showcerts", "-connect", at.String())
	cmd.Stdin = strings.NewReader("Q\n")
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("openssl s_client: %v\n%s", err, out)
	}
	var chain [][]byte
	for block, rest := pem.Decode(out); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	return chain
}

// Keyscan is what ssh-keyscan finds: key type and blob in base64, sorted.
func Keyscan(tb testing.TB, at netip.AddrPort) []string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), Need(tb, "ssh-keyscan"), "-T", "20", "-t", "rsa,ecdsa,ed25519",
		"-p", fmt.Sprint(at.Port()), at.Addr().String()).Output()
	if err != nil {
		tb.Fatal(err)
	}
	var keys []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] != "#" {
			keys = append(keys, f[1]+" "+f[2])
		}
	}
	slices.Sort(keys)
	return keys
}

package archtest

import (
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/hostkin/hostkin"

// TestTheTree is the check of hostkin's own sources.
func TestTheTree(t *testing.T) {
	root := os.DirFS("../..")
	if _, err := fs.Stat(root, "scanner/record/record.go"); err != nil {
		t.Fatal("the check would look at nothing: ", err)
	}
	found, err := Check(root, module)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// TestEveryRuleCanFail runs the check over a tree that breaks each rule, next
// to code that looks alike and breaks none. What must be reported, and
// where, stands in the sources after //! and nothing else may be.
func TestEveryRuleCanFail(t *testing.T) {
	tree := fstest.MapFS{}
	var expected []mark
	for name, text := range map[string]string{
		"scanner/record/a.go": `package record
import _ "net/netip"
import _ "gopkg.in/yaml.v3" //! imports gopkg.in/yaml.v3: records are
import _ "MODULE/scanner/conversation" //! imports scanner/conversation: records are`,
		"scanner/conversation/a.go": `package conversation
import _ "MODULE/scanner/record"
import _ "MODULE/scanner/targets" //! imports scanner/targets: conversations are a leaf`,
		"scanner/targets/a.go": `package targets
import _ "MODULE/scanner/record"
import _ "MODULE/scanner/transport" //! imports scanner/transport: targets know hosts`,
		"scanner/transport/a.go": `package transport
import _ "MODULE/scanner/conversation"
import _ "MODULE/scanner/sshprobe" //! imports scanner/sshprobe: transports drive`,
		"scanner/transport/transporttest/a.go": `package transporttest
import _ "MODULE/scanner/transport"
import _ "MODULE/scanner/conversation/conversationtest"
func f() { panic("a test helper may") }`,
		"scanner/sshprobe/a.go": `package sshprobe
import _ "MODULE/scanner/tlsprobe"
import _ "MODULE/scanner/transport" //! imports scanner/transport: probes know no transport
import _ "MODULE/scanner" //! imports scanner: probes know no transport
import _ "MODULE/scanner/httpprobe" //! imports scanner/httpprobe: probes know no transport
import _ "MODULE/scanner/conversation/conversationtest" //! imports scanner/conversation/conversationtest: test helpers are for tests`,
		"scanner/sshprobe/a_test.go": `package sshprobe
import _ "MODULE/scanner/transport"
import _ "MODULE/cmd/hostkin" //! imports cmd/hostkin: nothing imports the command
func init() { panic("tests may") }`,
		"scanner/httpprobe/a.go": `package httpprobe
import "net"
import clock "time"
import "crypto/tls"
import "net/http"
import _ "os" //! imports os: pure packages touch no files
import _ "os/exec" //! imports os/exec: pure packages touch no files
import _ "syscall" //! imports syscall: protocols are free of I/O
import _ "golang.org/x/sys/unix" //! imports golang.org/x/sys/unix: protocols are free of I/O
import _ "MODULE/scanner/tlsprobe/wire"
var _ net.Conn
var _ = clock.Second
var _ = tls.VersionTLS13
func f() {
	net.Dial("", "") //! net.Dial: protocols are free of I/O
	_ = net.Dialer{} //! net.Dialer: protocols are free of I/O
	tls.DialWithDialer(nil, "", "", nil) //! tls.DialWithDialer: protocols are free of I/O
	http.ParseSetCookie("")
	http.Get("") //! http.Get: protocols are free of I/O
	clock.Now() //! time.Now: protocols and judgements see no clock
	var net, os struct{ Dial, Exit func() }
	net.Dial()
	os.Exit()
}`,
		"scanner/tcpprobe/a.go": `package tcpprobe
import "net"
import "time"
func f() { net.Interfaces(); time.Now() }`,
		"scanner/probes/a.go": `package probes
import _ "MODULE/scanner/sshprobe"
import _ "MODULE/scanner/transport" //! imports scanner/transport: the list of probes`,
		"scanner/a.go": `package scanner
import _ "MODULE/scanner/probes"
import _ "MODULE/fingerprints" //! scanner imports fingerprints: the engine
import _ "MODULE/report" //! scanner imports report: the engine
import "context"
func f() { context.Background() } //! context.Background: a context comes from the caller`,
		"fingerprints/a.go": `package fingerprints
import _ "MODULE/fingerprints/ssh"
import _ "MODULE/scanner/record"
import _ "MODULE/scanner/conversation" //! imports scanner/conversation: fingerprints are derived from records alone`,
		"fingerprints/ssh/a.go": `package ssh
import _ "MODULE/scanner/sshprobe" //! imports scanner/sshprobe: fingerprints are derived from records alone`,
		"cluster/a.go": `package cluster
import _ "MODULE/fingerprints"
import _ "MODULE/scanner/record"
import _ "MODULE/scanner" //! cluster imports scanner: judgement is over fingerprints
import _ "MODULE/intel/asn" //! cluster imports intel/asn: judgement is over fingerprints
import _ "MODULE/expand" //! cluster imports expand: judgement is over fingerprints`,
		"expand/a.go": `package expand
import _ "MODULE/scanner/probes"
import _ "MODULE/cluster"
import _ "MODULE/report" //! expand imports report: expand joins scanner and cluster`,
		"report/a.go": `package report
import _ "MODULE/expand"
import _ "MODULE/scanner/targets" //! report imports scanner/targets: reports render results
import _ "MODULE/cmd/hostkin" //! report imports cmd/hostkin: nothing imports the command`,
		"fleet/imports.go": `package fleet
import _ "github.com/projectdiscovery/gologger/levels" //! fleet imports github.com/projectdiscovery/gologger/levels: libraries
import _ "MODULE/scanner"
import _ "MODULE/cmd/hostkin" //! fleet imports cmd/hostkin: nothing imports the command`,
		"casefile/a.go": `package casefile
import _ "MODULE/scanner/targets"
import _ "MODULE/fingerprints/ssh"
import _ "MODULE/cluster" //! casefile imports cluster: a case keeps
import _ "MODULE/scanner" //! casefile imports scanner: a case keeps`,
		"cmd/hostkin/a.go": `package main
import "os"
import _ "log"
import _ "github.com/projectdiscovery/gologger"
import _ "MODULE/expand"
var count int
func main() { count++; os.Exit(1) }
func init() {} //! func init: nothing happens at import`,
		"intel/a.go": `package util //! package util: the name says nothing
import "os"
import "log" //! intel imports log: libraries take a *slog.Logger
import "log/slog"
import "fmt"
import . "strings" //! import of strings into the file's own names
import _ "gopkg.in/yaml.v3" //! intel imports gopkg.in/yaml.v3: routing data
import _ "github.com/oschwald/maxminddb-golang/v2"
import _ "MODULE/cluster" //! intel imports cluster: routing data
func init() {} //! func init: nothing happens at import
type t struct{}
func (t) init() {}
func f(l *slog.Logger) {
	os.Exit(1) //! os.Exit: only the command ends the process
	log.Fatal("")
	slog.Info("") //! slog.Info: libraries take a *slog.Logger
	slog.New(nil)
	l.Info("")
	slog.SetDefault(l) //! slog.SetDefault: libraries take a *slog.Logger
	fmt.Println() //! fmt.Println: streams are injected
	fmt.Fprintln(os.Stderr) //! os.Stderr: streams are injected
	panic("") //! panic: return an error
}`,
		"fleet/a.go": `package fleet
import "sync"
import "sync/atomic"
import "errors"
var fixed = map[string]int{"a": 1}
var errGone = errors.New("")
var once sync.Once //! variable once of type sync.Once is state
var literal = sync.Map{} //! variable literal of type sync.Map is state
var pool = sync.Pool{}
var value = sync.OnceValue(func() int { return 1 })
var calls atomic.Int64 //! variable calls of type atomic.Int64 is state
var assigned, incremented, ranged int
var indexed, deleted = map[string]int{}, map[string]int{}
var field struct{ a []int }
var pointed, elsewhere int`,
		"fleet/b.go": `package fleet
func f(fixed map[string]int) {
	assigned = 1 //! variable assigned of the package is changed here
	incremented++ //! variable incremented of the package is changed here
	for ranged = range 3 { //! variable ranged of the package is changed here
	}
	indexed["a"] = 1 //! variable indexed of the package is changed here
	delete(deleted, "a") //! variable deleted of the package is changed here
	field.a[0] += 1 //! variable field of the package is changed here
	_ = &pointed //! variable pointed of the package is changed here
	fixed["a"] = 2
	assigned := 2
	assigned = 3
	elsewhere, here := 1, 2
	elsewhere = here
	_ = fixed["a"] + elsewhere
}`,
		"internal/lab/a.go": `package lab
import "os"
import _ "MODULE/expand"
import _ "MODULE/scanner/conversation/conversationtest"
import _ "MODULE/cmd/hostkin" //! internal/lab imports cmd/hostkin: nothing imports the command
func f() { panic("") }
func g() { os.Exit(1) } //! os.Exit: only the command ends the process`,
		"internal/town/serve/a.go": `package main
import "os"
func main() { os.Exit(1) }`,
		"tools/go.mod":          "module tools",
		"tools/a.go":            "package util",
		"report/testdata/a.go":  "package util",
		".hidden/a.go":          "package util",
		"docs/not-parsed.go.md": "package",
	} {
		expected = append(expected, marks(name, text)...)
		tree[name] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "MODULE", module))}
	}
	found, err := Check(tree, module)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		name, line, what := parts(t, f)
		i := slices.IndexFunc(expected, func(e mark) bool {
			return e.file == name && e.line == line && strings.Contains(what, e.what)
		})
		if i < 0 {
			t.Errorf("reported, but nothing is wrong there: %s", f)
			continue
		}
		expected = slices.Delete(expected, i, i+1)
	}
	for _, e := range expected {
		t.Errorf("not reported: %s:%d: %s", e.file, e.line, e.what)
	}
}

// mark is a violation written into the sources above: "//! what is reported".
type mark struct {
	file string
	line int
	what string
}

func marks(file, text string) []mark {
	var out []mark
	for i, line := range strings.Split(text, "\n") {
		if _, what, ok := strings.Cut(line, "//! "); ok {
			out = append(out, mark{file, i + 1, what})
		}
	}
	return out
}

func parts(t *testing.T, found string) (file string, line int, what string) {
	t.Helper()
	part := strings.SplitN(found, ":", 3)
	line, err := strconv.Atoi(part[1])
	if err != nil || len(part) != 3 {
		t.Fatalf("not file:line: what: %q", found)
	}
	return part[0], line, part[2]
}

func TestBrokenSourcesAreAnError(t *testing.T) {
	if _, err := Check(fstest.MapFS{"a.go": {Data: []byte("pack")}}, module); err == nil {
		t.Error("no error")
	}
}

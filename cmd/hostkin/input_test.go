package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

const (
	goodObservation = `{"schema":"observation/1","host":{"ip":"192.0.2.1","name":""},"port":22,"probe":"ssh","status":"ok","at":"2026-01-02T03:04:05Z","ms":1.5,"ssh":{"banner":"U1NILTIuMC14DQo="}}`
	goodFingerprint = `{"schema":"fingerprint/1","host":"192.0.2.1","port":443,"kind":"jarm","value":"2ad2ad"}`
)

func quietApp(stdin io.Reader, stderr io.Writer) *app {
	a := &app{stdin: stdin, stdout: io.Discard, screen: newScreen(stderr)}
	a.log = newLogger(a.screen)
	return a
}

func TestBadLinesAreToldAndTheRestGoesOn(t *testing.T) {
	for _, c := range []struct{ line, fault string }{
		{`not JSON`, `:2: column 2: not JSON`},
		{`{"schema":"observation/1"`, `:2: column 25: not JSON`},
		{`[]`, `:2: column 1: a JSON object is wanted, not array`},
		{`{"a":1}`, `:2: no "schema"`},
		{`{"schema":"observation/9"}`, `:2: schema "observation/9"; wanted observation/1 or fingerprint/1`},
		{`{"schema":"observation/1","port":1,"probe":"x","status":"ok"}`, `:2: host has no ip`},
		{strings.Replace(goodObservation, "192.0.2.1", "192.0.2.999", 1), `:2: `},
		{strings.Replace(goodObservation, `"port":22`, `"port":70000`, 1), `"port" cannot be number 70000`},
		{strings.Replace(goodObservation, `"port":22`, `"port":0`, 1), `:2: no port`},
		{strings.Replace(goodObservation, `"ok"`, `"fine\u001b[31m"`, 1), `:2: status "fine\x1b[31m" is none of`},
		{strings.Replace(goodFingerprint, "192.0.2.1", "x", 1), `:2: host "x" is not an address`},
		{strings.Replace(goodFingerprint, "2ad2ad", "", 1), `:2: no value`},
		{strings.Replace(goodFingerprint, "jarm", "", 1), `:2: no kind`},
		{`"` + strings.Repeat("x", record.MaxLine), `:2: longer than 16 MiB`},
	} {
		var stderr bytes.Buffer
		a := quietApp(strings.NewReader(goodObservation+"\n"+c.line+"\r\n\n"+goodFingerprint), &stderr)
		in := a.newInput(nil)
		var got []line
		for l := range in.lines(t.Context()) {
			got = append(got, l)
		}
		if len(got) != 2 || got[0].observation == nil || got[1].fingerprint == nil {
			t.Errorf("%.60q: the good lines around it came as %v", c.line, got)
		}
		if !strings.Contains(stderr.String(), "stdin"+":2:") || !strings.Contains(stderr.String(), c.fault) {
			t.Errorf("%.60q: want %q told, got %s", c.line, c.fault, stderr.String())
		}
		if err := in.result(t.Context()); err != nil || in.bad != 1 || in.read != 2 {
			t.Errorf("%.60q: %d read, %d bad, error %v", c.line, in.read, in.bad, err)
		}
	}
}

func TestOnlyBadLinesIsAnError(t *testing.T) {
	in := quietApp(strings.NewReader("x\ny\n"), io.Discard).newInput(nil)
	for range in.lines(t.Context()) {
		t.Error("a line came through")
	}
	if in.result(t.Context()) == nil {
		t.Error("no error")
	}
}

func TestManyFaultsAreCountedNotListed(t *testing.T) {
	var stderr bytes.Buffer
	in := quietApp(strings.NewReader(strings.Repeat("x\n", 1000)+goodFingerprint), &stderr).newInput(nil)
	for range in.lines(t.Context()) {
	}
	if err := in.result(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(stderr.String(), "\n"); n > toldFaults+2 || !strings.Contains(stderr.String(), "980 more") {
		t.Errorf("%d lines:\n%s", n, stderr.String())
	}
}

func compressed(t *testing.T, open func(io.Writer) io.WriteCloser, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func zst(w io.Writer) io.WriteCloser {
	z, err := zstd.NewWriter(w)
	if err != nil {
		panic(err)
	}
	return z
}

func TestFilesAreReadWhateverTheirCompressionAndName(t *testing.T) {
	text := []byte(goodFingerprint + "\n")
	dir := t.TempDir()
	var want fingerprints.Fingerprint
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"plain.jsonl": text, "a.gz": compressed(t, gz, text), "a.zst": compressed(t, zst, text),
		"misnamed.jsonl": compressed(t, zst, text), "no-newline": text[:len(text)-1],
		"byte-order-mark.jsonl": append([]byte("\ufeff"), text...),
		"two-members.gz":        append(compressed(t, gz, nil), compressed(t, gz, text)...),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		in := quietApp(nil, io.Discard).newInput([]string{path})
		var got []fingerprints.Fingerprint
		for l := range in.lines(t.Context()) {
			got = append(got, *l.fingerprint)
		}
		if diff := cmp.Diff([]fingerprints.Fingerprint{want}, got); diff != "" || in.bad > 0 {
			t.Errorf("%s: %d bad, %s", name, in.bad, diff)
		}
	}
}

func TestATornFileGivesWhatItHas(t *testing.T) {
	text := strings.Repeat(goodFingerprint+"\n", 5000)
	whole := compressed(t, gz, []byte(text))
	var stderr bytes.Buffer
	in := quietApp(bytes.NewReader(whole[:len(whole)-20]), &stderr).newInput(nil)
	n := 0
	for range in.lines(t.Context()) {
		n++
	}
	if n == 0 || in.bad != 1 || !strings.Contains(stderr.String(), "the rest of the file is lost") {
		t.Errorf("%d lines, %d bad: %s", n, in.bad, stderr.String())
	}
}

// zeros is an endless compressed-looking source for the budget.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestABombIsStopped(t *testing.T) {
	b := &budget{in: zeros{}, compressed: &counter{n: 1 << 20}}
	n, err := io.Copy(io.Discard, b)
	if err == nil || n > freeBytes+1<<20 {
		t.Errorf("%d bytes came through, error %v", n, err)
	}
}

func TestAReadOfStdinCanBeStopped(t *testing.T) {
	never, unused := io.Pipe()
	defer unused.Close()
	ctx, cancel := context.WithCancel(t.Context())
	in := quietApp(never, io.Discard).newInput(nil)
	time.AfterFunc(10*time.Millisecond, cancel)
	for range in.lines(ctx) {
		t.Error("a line came")
	}
	if err := in.result(ctx); err != context.Canceled || in.bad > 0 {
		t.Errorf("error %v, %d faults", err, in.bad)
	}
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(goodObservation))
	f.Add([]byte(goodFingerprint))
	f.Add([]byte(`{"schema":"observation/1","host":{"ip":"::1"},"port":443,"probe":"tls","status":"alert","tls":{"certificates":["MAA="],"alerts":[{"level":2,"code":40}]}}`))
	f.Add([]byte(`{"schema":"observation/1","host":{"ip":"1.2.3.4%eth0"},"port":1e9}`))
	f.Add([]byte(`{"schema":["observation/1"]}`))
	f.Add([]byte(`{"schema":"observation/1","http":{"root":{"head":"//8="}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseLine(text)
		if err != nil {
			return
		}
		if (l.observation == nil) == (l.fingerprint == nil) {
			t.Fatalf("%q: not exactly one of the two", text)
		}
		if o := l.observation; o != nil {
			if !o.Host.IP.IsValid() || o.Port == 0 || o.Schema != record.Schema {
				t.Fatalf("%q: unusable observation came through", text)
			}
			fingerprints.Of(*o)
		}
	})
}

// What the quick reader reads, it reads as encoding/json does.
func FuzzQuickReader(f *testing.F) {
	f.Add([]byte(goodFingerprint), []byte(goodFingerprint))
	f.Add([]byte(`{"value":"é","kind":"a","port":0,"host":"2001:DB8::1","schema":"fingerprint/1","partial":true}`), []byte(goodFingerprint))
	f.Add([]byte(`{"schema":"fingerprint/1","host":"::ffff:1.2.3.4","kind":"b","value":"\xff","port":65536}`), []byte(`{"port":01}`))
	f.Add([]byte(`{"schema":"fingerprint/1","host":"1.2.3.4","kind":"b","value":"a\"b\\n","port":1e3}`), []byte(`{"schema":"fingerprint/1","host":"1.2.3.4","kind":"b","value":"a"},`))
	f.Add([]byte(`{"schema":"fingerprint/1","host":"1.2.3.4","host":"1.2.3.5","kind":"b","value":"a"}`), []byte(`{"schema":"fingerprint/1","Host":"1.2.3.4","kind":"b","value":"a","partial":null}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var q quickReader
		for _, text := range [][]byte{first, second, first} {
			var got, want fingerprints.Fingerprint
			if !q.read(text, &got) {
				continue
			}
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatalf("%q: read, though %v", text, err)
			}
			if err := checkFingerprint(&want); err != nil || want.Schema != fingerprints.Schema {
				t.Fatalf("%q: read, though %v, schema %q", text, err, want.Schema)
			}
			if got != want {
				t.Fatalf("%q: %+v, want %+v", text, got, want)
			}
		}
	})
}

// Lines as hostkin writes them must take the quick way: the slow one is ten times slower.
func TestQuickReaderReadsWhatHostkinWrites(t *testing.T) {
	var q quickReader
	for _, text := range []string{goodFingerprint, strings.Replace(goodFingerprint, `}`, `,"partial":true}`, 1),
		strings.Replace(goodFingerprint, "2ad2ad", "CN=Zürich, 東京 <&>", 1), strings.Replace(goodFingerprint, "192.0.2.1", "2001:db8::1", 1)} {
		var f fingerprints.Fingerprint
		if !q.read([]byte(text), &f) {
			t.Errorf("%s was not read", text)
		}
	}
}

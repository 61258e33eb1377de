package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What --odd and --no-jarm promise: odd questions only when asked for, and a
// scan without JARM.
func TestOddAndNoJARM(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "https://"), ":")
	for _, test := range []struct {
		flags     []string
		odd, jarm bool
	}{
		{nil, false, true},
		{[]string{"--odd", "--no-jarm"}, true, false},
	} {
		var out, log bytes.Buffer
		args := append([]string{"scan", "127.0.0.1", "--ports", port + "/tls", "--silent"}, test.flags...)
		if code := Main(t.Context(), args, strings.NewReader(""), &out, &log); code != 0 {
			t.Fatalf("%v: exit %d, %s", args, code, &log)
		}
		scan := out.String()
		if got := strings.Contains(scan, `"probe":"jarm"`); got != test.jarm {
			t.Errorf("%v: JARM asked: %v", args, got)
		}
		for _, answer := range []string{`"after":{"sent":"ccs"`, `"request":"method"`} {
			if got := strings.Contains(scan, answer); got != test.odd {
				t.Errorf("%v: %s is there: %v", args, answer, got)
			}
		}
		if !strings.Contains(scan, `"hello":"b"`) {
			t.Errorf("%v: not all five hellos", args)
		}
	}
}

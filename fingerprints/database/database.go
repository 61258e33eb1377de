// Package database derives fingerprints from what database servers say before
// anybody logs in.
package database

import (
	"bytes"
	"slices"
	"strings"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/scanner/record"
)

// The kinds, as in a fingerprint/1 line.
const (
	MySQLGreeting = "mysql.greeting" // of a handshake: versions, capabilities, character set, login method
	MySQLError    = "mysql.error"    // instead of it: the code, and the text without the client's name
	PostgresSSL   = "postgres.ssl"   // answer to SSLRequest: "S", "N" or "E"
	PostgresError = "postgres.error" // how it refuses a protocol version that does not exist
	RedisReply    = "redis.reply"    // answer to PING
)

// Of derives the fingerprints of one answer, in the order of the kinds above.
func Of(a *record.Answer) []value.Pair {
	var out value.List
	if m := a.MySQL; m != nil {
		out.Add(MySQLGreeting, greeting(m.Greeting))
		out.Add(MySQLError, mysqlError(m.Greeting))
	}
	if p := a.Postgres; p != nil {
		out.Add(PostgresSSL, value.Text(p.SSL))
		out.Add(PostgresError, postgresError(p.Error))
	}
	if r := a.Redis; r != nil {
		out.Add(RedisReply, redisReply(r.Reply))
	}
	return out
}

// postgresError lists the fields of an ErrorResponse in wire order, each with
// its type: "S=FATAL;V=FATAL;C=0A000;M=...;F=postmaster.c;L=2222;R=...". The
// message (M, D, H: in the server's language) is a template.
func postgresError(body []byte) string {
	const most = 32 // as many fields there are not
	var fields []string
	for len(body) > 1 && body[0] != 0 && len(fields) < most {
		text, rest, ended := bytes.Cut(body[1:], []byte{0})
		if !ended {
			break
		}
		said := string(text)
		if slices.Contains([]byte("MDH"), body[0]) {
			said = value.Template(said)
		}
		fields = append(fields, value.Escaped(string(body[:1]), `\;=`)+"="+value.Escaped(said, `\;`))
		body = rest
	}
	return strings.Join(fields, ";")
}

// redisReply is the line without CR LF; another ending is noted.
func redisReply(line []byte) string {
	text, ended := strings.CutSuffix(string(line), "\n")
	if !ended {
		return ""
	}
	text, crlf := strings.CutSuffix(text, "\r")
	if !crlf {
		text += "\n"
	}
	return value.Text(text)
}

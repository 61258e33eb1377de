package database

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints/value"
	"github.com/hostkin/hostkin/internal/livetest"
	"github.com/hostkin/hostkin/scanner/record"
)

func TestRecordedServers(t *testing.T) {
	refusal := value.Pair{Kind: PostgresError, Value: "S=FATAL;V=FATAL;C=0A000;M=unsupported frontend protocol #.#: server supports #.# to #.#;F=postmaster.c;L=2222;R=ProcessStartupPacket"}
	for name, want := range map[string][]value.Pair{
		"mariadb-default": {{Kind: MySQLGreeting, Value: "10 5.5.5-10.11.19-MariaDB-0+deb12u1 caps=81fff7fe ext=0000001d charset=08 status=0002 auth=21 plugin=mysql_native_password"}},
		"mariadb-tls12":   {{Kind: MySQLGreeting, Value: "10 5.5.5-10.11.19-MariaDB-0+deb12u1 caps=81fffffe ext=0000001d charset=08 status=0002 auth=21 plugin=mysql_native_password"}},
		"mariadb-denied":  {{Kind: MySQLError, Value: "1130 Host '{client}' is not allowed to connect to this MariaDB server"}},
		"postgres-plain":  {{Kind: PostgresSSL, Value: "N"}, refusal},
		"postgres-tls12":  {{Kind: PostgresSSL, Value: "S"}, refusal},
	} {
		var a record.Answer
		file := filepath.Join("testdata", name+".json")
		if strings.HasPrefix(name, "mariadb") {
			a.MySQL = livetest.Load[*record.MySQL](t, file)
		} else {
			a.Postgres = livetest.Load[*record.Postgres](t, file)
		}
		if diff := cmp.Diff(want, Of(&a)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// The example of HandshakeV10 in MySQL's documentation of its protocol.
const documented = "0a352e362e342d6d372d6c6f6700" + "560a0000" + "524233767a264772" + "00" + "ffff" + "08" + "0200" + "0fc0" + "15" +
	"00000000000000000000" + "2b7944262f5a5a3330355a4700" + "6d7973716c5f6e61746976655f70617373776f726400"

func packet(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestGreeting(t *testing.T) {
	whole := packet(t, documented)
	head := "10 5.6.4-m7-log"
	fixed := head + " caps=c00fffff charset=08 status=0002 auth=21"
	other := append([]byte(nil), whole...)
	copy(other[14:], "\xff\xff\xff\xff12345678")  // thread id, first part of the challenge
	copy(other[14+4+8+1+18:], "abcdefghijkl")     // the second
	zero := append([]byte(nil), whole[:14+31]...) // without a second part
	for _, test := range []struct{ greeting, want string }{
		{string(whole), fixed + " plugin=mysql_native_password"},
		{string(other), fixed + " plugin=mysql_native_password"},
		{string(whole[:len(whole)-1]), fixed + " plugin=mysql_native_password"}, // servers of 5.5.7 forgot the NUL
		{string(zero), fixed},
		{string(whole[:40]), head},
		{string(whole[:14]), head},
		{string(whole[:13]), ""},
		{"", ""},
		{"\x0a", ""},
		{"\x093.22.1\x00abcd12345678\x00", "9 3.22.1"},
		{"\x0aevil \x1b[2J\\\x00", `10 evil\ \x1b[2J\\`},
		{"\x0b1.0\x00", ""},
	} {
		if got := greeting([]byte(test.greeting)); got != test.want {
			t.Errorf("%q: %q, want %q", test.greeting, got, test.want)
		}
	}
}

func TestMySQLError(t *testing.T) {
	for said, want := range map[string]string{
		"\xff\x6a\x04Host 'vm7.example' is not allowed":         "1130 Host '{client}' is not allowed",
		"\xff\x6a\x04Host '2001:db8::7' hat keine Berechtigung": "1130 Host '{client}' hat keine Berechtigung",
		"\xff\x69\x04Host 'a' is blocked; 'flush-hosts'":        "1129 Host '{client}' is blocked; 'flush-hosts'",
		"\xff\x10\x04Too many 'connections'":                    "1040 Too many 'connections'",
		"\xff\x10\x04#08004Too many connections":                "1040 #08004Too many connections",
		"\xff\x6a\x04Host 'unended":                             "1130 Host 'unended",
		"\xff\x6a\x04":                                          "1130 ",
		"\xff\x6a":                                              "",
		"\xff\x10\x04\x1b[2J":                                   `1040 \x1b[2J`,
	} {
		if got := mysqlError([]byte(said)); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func TestPostgresError(t *testing.T) {
	for said, want := range map[string]string{
		"SFATAL\x00C08P01\x00Mno PostgreSQL user\x00\x00":             "S=FATAL;C=08P01;M=no PostgreSQL user",
		"SFATAL\x00VFATAL\x00Mvon Host »10.0.0.7«\x00Dport 9\x00\x00": "S=FATAL;V=FATAL;M=von Host »#.#.#.#«;D=port #",
		"CX;Y=\\\x00\x00":  `C=X\;Y=\\`,
		"\x01a\x00=b\x00":  `\x01=a;\==b`,
		"Munended":         "",
		"C1\x00Munended":   "C=1",
		"":                 "",
		"\x00":             "",
		"S\x00\x00":        "S=",
		"\x00Signored\x00": "",
	} {
		if got := postgresError([]byte(said)); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
	if n := strings.Count(postgresError([]byte(strings.Repeat("H1\x00", 1000))), ";"); n != 31 {
		t.Errorf("%d fields", n+1)
	}
}

func TestRedis(t *testing.T) {
	for line, want := range map[string]string{
		"+PONG\r\n":                            "+PONG",
		"-NOAUTH Authentication required.\r\n": "-NOAUTH Authentication required.",
		"+PONG\n":                              `+PONG\n`,
		"+PONG":                                "",
		"-ERR \x1b[2J\x00\xff\r\n":             `-ERR \x1b[2J\x00\xff`,
	} {
		if got := redisReply([]byte(line)); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	denied := Of(&record.Answer{Redis: &record.Redis{Reply: []byte("-DENIED " + strings.Repeat("long ", 200) + "\r\n")}})
	if len(denied) != 1 || len(denied[0].Value) != value.Max || !strings.HasPrefix(denied[0].Value, "-DENIED long") {
		t.Errorf("%q", denied)
	}
}

func TestOnlyWhatWasSeen(t *testing.T) {
	raw := []byte("HTTP/1.1 400")
	a := record.Answer{MySQL: &record.MySQL{Raw: raw}, Postgres: &record.Postgres{Raw: raw}, Redis: &record.Redis{Raw: raw}}
	if got := Of(&a); got != nil {
		t.Errorf("%v", got)
	}
	if got := Of(&record.Answer{}); got != nil {
		t.Errorf("%v", got)
	}
}

func FuzzOf(f *testing.F) {
	for _, name := range []string{"mariadb-default", "mariadb-denied"} {
		f.Add(livetest.Load[record.MySQL](f, "testdata/"+name+".json").Greeting)
	}
	f.Add(livetest.Load[record.Postgres](f, "testdata/postgres-plain.json").Error)
	f.Add(packet(f, documented))
	f.Add([]byte("-ERR no\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		a := record.Answer{MySQL: &record.MySQL{Greeting: said}, Postgres: &record.Postgres{Error: said}, Redis: &record.Redis{Reply: said}}
		for _, p := range Of(&a) {
			if p.Value == "" || len(p.Value) > value.Max || value.Escaped(p.Value, "") != p.Value {
				t.Errorf("%s: %q", p.Kind, p.Value)
			}
		}
	})
}

package lineprobe

import "testing"

func TestRecognise(t *testing.T) {
	for greeting, want := range map[string]string{
		"220 mx.example.com ESMTP Postfix\r\n":                                 "smtp",
		"220-mx.example.com ESMTP Exim 4.96\r\n220 no spam\r\n":                "smtp",
		"220 mail.example.com Microsoft ESMTP MAIL Service ready\r\n":          "smtp",
		"220 mx.example.com Sendmail 8.17\r\n":                                 "smtp",
		"554 mx.example.com ESMTP not accepting\r\n":                           "smtp",
		"220 ftp.example.com ESMTP\r\n":                                        "smtp",
		"220 (vsFTPd 3.0.3)\r\n":                                               "ftp",
		"220 ProFTPD Server (Debian) [::ffff:127.0.0.1]\r\n":                   "ftp",
		"220-FileZilla Server 1.8.0\r\n220 Please visit\r\n":                   "ftp",
		"220-\r\n welcome\r\n220 mail.example.com FTP server ready.\r\n":       "ftp",
		"220---------- Welcome to Pure-FTPd [privsep] ----------\r\n220 x\r\n": "ftp",
		"220 ready\r\n":                         "",
		"220 smtp.example.com ready\r\n":        "", // a name is no word
		"220 SMTP and FTP\r\n":                  "",
		"220-mx ESMTP\r\n":                      "", // the rest may say otherwise
		"220 mx ESMTP":                          "",
		"* OK [CAPABILITY IMAP4rev1] ready\r\n": "imap",
		"* PREAUTH hi\r\n":                      "imap",
		"* BYE busy\r\n":                        "imap",
		"* hello\r\n":                           "",
		"+OK Dovecot ready.\r\n":                "pop3",
		"-ERR busy\r\n":                         "pop3",
		"+OK":                                   "",
		"SSH-2.0-x\r\n":                         "",
		"200 news.example.com NNRP\r\n":         "",
		"":                                      "",
		"\x4a\x00\x00\x00\x0a8.0.36\x00\x00\x00\x00x": "",
	} {
		if got := Recognise([]byte(greeting), false); got != want {
			t.Errorf("%q: %q, want %q", greeting, got, want)
		}
	}
	for greeting, want := range map[string]string{"220-mx ESMTP Postfix\r\n": "smtp", "220 mx ESMTP": "smtp", "220-hello\r\n": "", "* OK": "", "+OK": ""} {
		if got := Recognise([]byte(greeting), true); got != want {
			t.Errorf("%q and no more: %q, want %q", greeting, got, want)
		}
	}
}

func FuzzRecognise(f *testing.F) {
	for _, text := range []string{"220 x ESMTP\r\n", "* OK\r\n", "+OK\r\n", "220-\r\n", "220 .\r\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if now := Recognise(in, false); now != "" && Recognise(in, true) != now {
			t.Errorf("%q is %q, and something else once it is over", in, now)
		}
	})
}

func TestClientName(t *testing.T) {
	for contact, want := range map[string]string{
		"":                              "hostkin.invalid",
		"https://scan.example.org/why":  "scan.example.org",
		"http://scan.example.org:8080":  "scan.example.org",
		"abuse@example.org":             "example.org",
		"mailto:abuse@example.org":      "example.org",
		"example.org":                   "example.org",
		"https://192.0.2.1/":            "192.0.2.1",
		"somebody":                      "hostkin.invalid",
		"a@b.example\r\nMAIL FROM:<x>":  "hostkin.invalid",
		"https://[2001:db8::1]/":        "hostkin.invalid",
		"https://b\u00fccher.example/x": "hostkin.invalid",
	} {
		if got := clientName(contact); got != want {
			t.Errorf("%q: %q, want %q", contact, got, want)
		}
	}
}

package lab

import (
	"bufio"
	"io"
	"net"
	"strings"
	"time"
)

// hostileMail are servers that greet like mail servers.
func hostileMail() []HostileServer {
	const list = "250-hostile.example\r\n250 STARTTLS\r\n"
	return []HostileServer{
		{"endless line of a greeting", endless("220 ", strings.Repeat("x", 4096))},
		{"endless lines of a greeting", endless("", strings.Repeat("220-not yet\r\n", 400))},
		{"endless list after a greeting", talk(endless("", strings.Repeat("250-X-FILLER\r\n", 300)))},
		{"text instead of TLS", talk(say(list), say("220 go\r\n250 injected\r\n"), endless("", strings.Repeat("250-in plain text\r\n", 200)))},
		{"upgrade and silence", talk(say(list), say("220 go\r\n"), discard)},
	}
}

// talk greets and answers each line of the client with the next of answers.
func talk(answers ...func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		if _, err := io.WriteString(c, "220 hostile.example ESMTP\r\n"); err != nil || c.SetReadDeadline(time.Now().Add(idle)) != nil {
			return
		}
		lines := bufio.NewReaderSize(c, maxLine)
		for _, answer := range answers {
			if _, err := lines.ReadSlice('\n'); err != nil && err != bufio.ErrBufferFull {
				return
			}
			answer(c)
		}
	}
}

func say(text string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, text) }
}

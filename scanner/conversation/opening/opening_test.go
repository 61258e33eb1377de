package opening

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/scanner/conversation"
	"github.com/hostkin/hostkin/scanner/conversation/conversationtest"
	"github.com/hostkin/hostkin/scanner/record"
)

// A message of the test's protocol is a digit and as many letters.
func digit(b []byte) int {
	if b[0] < '0' || b[0] > '9' {
		return Not
	}
	return 1 + int(b[0]-'0')
}

type outcome struct {
	Messages []string
	Raw      string
	Inner    string
}

// start makes an opening whose message "1x" ends it as x says, and after
// which another conversation goes on otherwise.
func start() (conversation.Conversation, func() outcome) {
	var got outcome
	inner := &conversationtest.Talk{
		OnOpen:  func() conversation.Step { return conversation.Step{Send: []byte("[open]")} },
		OnFeed:  func(in []byte) conversation.Step { return done(in) },
		OnQuiet: func() conversation.Step { return conversation.Step{Do: conversation.Done} },
	}
	second := &Opening{Ask: []byte("[second]"), Length: digit, Then: func(m []byte) Next {
		got.Messages = append(got.Messages, string(m))
		return Next{Verdict: record.OK}
	}}
	o := &Opening{Ask: []byte("[first]"), Length: digit}
	o.Then = func(m []byte) Next {
		got.Messages = append(got.Messages, string(m))
		switch string(m[1:]) {
		case "k":
			return Next{Verdict: record.OK}
		case "m":
			return Next{Verdict: record.Malformed}
		case "s":
			return Next{Inner: second}
		}
		return Next{Send: []byte("[before]"), Inner: inner}
	}
	return o, func() outcome {
		got.Raw, got.Inner = string(o.Raw)+string(second.Raw), string(inner.Got)
		return got
	}
}

func done(in []byte) conversation.Step {
	if in[len(in)-1] == '.' {
		return conversation.Step{Do: conversation.Done}
	}
	return conversation.Step{Send: []byte("!")}
}

func TestOpening(t *testing.T) {
	long := strings.Repeat("x", 2*maxRaw)
	for name, test := range map[string]struct {
		turns []string
		then  record.Status
		want  outcome
		end   record.Status
	}{
		"a message":                 {[]string{"1k"}, "", outcome{Messages: []string{"1k"}}, record.OK},
		"and more than that":        {[]string{"1kmore"}, "", outcome{Messages: []string{"1k"}}, record.OK},
		"a bad message":             {[]string{"1m"}, "", outcome{Messages: []string{"1m"}, Raw: "1m"}, record.Malformed},
		"an inner conversation":     {[]string{"1i", "in."}, "", outcome{Messages: []string{"1i"}, Inner: "in."}, record.OK},
		"inner sees how it ends":    {[]string{"1i"}, record.Reset, outcome{Messages: []string{"1i"}}, record.Reset},
		"another opening":           {[]string{"1s", "2ab"}, "", outcome{Messages: []string{"1s", "2ab"}}, record.OK},
		"with its message at once":  {[]string{"1s2ab"}, "", outcome{Messages: []string{"1s", "2ab"}}, record.OK},
		"and nonsense":              {[]string{"1s", "?"}, "", outcome{Messages: []string{"1s"}, Raw: "?"}, record.Malformed},
		"silence":                   {nil, record.Timeout, outcome{}, record.Timeout},
		"closed at once":            {nil, record.Closed, outcome{}, record.Closed},
		"broken off":                {[]string{"9abc"}, record.Reset, outcome{Raw: "9abc"}, record.Reset},
		"not the protocol, quiet":   {[]string{"hello"}, record.Timeout, outcome{Raw: "hello"}, record.Malformed},
		"not the protocol, closed":  {[]string{"hello"}, record.Closed, outcome{Raw: "hello"}, record.Malformed},
		"not the protocol, endless": {[]string{long}, record.Timeout, outcome{Raw: long[:maxRaw]}, record.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			said := conversationtest.Transcript{Then: test.then}
			for _, turn := range test.turns {
				said.Turns = append(said.Turns, []byte(turn))
			}
			if name == "an inner conversation" { // which answers each piece: so play it whole
				c, result := start()
				end, sent := conversationtest.Play(c, said, nil)
				if diff := cmp.Diff(test.want, result()); diff != "" || end != test.end {
					t.Errorf("%s\n%s", end, diff)
				}
				if want := "[first][before][open]"; string(sent) != want {
					t.Errorf("sent %q, want %q", sent, want)
				}
				return
			}
			got, end := conversationtest.CheckCuts(t, said, start)
			if diff := cmp.Diff(test.want, got); diff != "" || end != test.end {
				t.Errorf("%s, want %s\n%s", end, test.end, diff)
			}
			conversationtest.CheckEndings(t, said, func() conversation.Conversation { c, _ := start(); return c })
		})
	}
}

// Whoever talks on and on about something else is left as soon as enough is kept.
func TestNonsenseIsNotWaitedFor(t *testing.T) {
	c, _ := start()
	c.Open()
	if s := c.Feed([]byte("hello")); s.Do != conversation.More || s.Gap == 0 {
		t.Errorf("after a word: %+v", s)
	}
	if s := c.Feed(make([]byte, maxRaw)); s.Do != conversation.Done {
		t.Errorf("after %d bytes: %+v", maxRaw, s)
	}
}

// What a callee sends is not written to.
func TestSendIsNotOverwritten(t *testing.T) {
	shared := append(make([]byte, 0, 64), "[before]"...)
	o := &Opening{Length: digit, Then: func([]byte) Next {
		return Next{Send: shared, Inner: &conversationtest.Talk{OnOpen: func() conversation.Step { return conversation.Step{Send: []byte("open")} }}}
	}}
	o.Open()
	if s := o.Feed([]byte("0")); string(s.Send) != "[before]open" || string(shared[:12][8:]) == "open" {
		t.Errorf("%q, %q", s.Send, shared[:12])
	}
}

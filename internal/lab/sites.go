package lab

import (
	"fmt"
	"strings"
)

const html = "text/html"

// stockSite is the page that a web server shows before anybody has put up
// their own.
func stockSite(w software) *site {
	body := "<html><body><h1>It works!</h1></body></html>\n"
	switch name, _, _ := strings.Cut(w.server, "/"); name {
	case "nginx":
		body = nginxWelcome
	case "lighttpd":
		body = "<!DOCTYPE html>\n<html><head><title>Welcome page</title></head>\n<body><h1>Placeholder page</h1>\n<p>The owner of this web site has not put up any web pages yet.</p></body></html>\n"
	case "Microsoft-IIS":
		body = "<!DOCTYPE html>\r\n<html><head><title>IIS Windows Server</title></head>\r\n<body><a href=\"http://example.com/\"><img src=\"iisstart.png\" alt=\"IIS\" width=\"960\" height=\"600\" /></a></body></html>\r\n"
	case "Caddy":
		body = "<!DOCTYPE html>\n<html><head><title>Caddy works!</title></head><body><h1>Congratulations!</h1></body></html>\n"
	}
	return &site{software: w, pages: map[string]page{"/": {code: 200, mime: html, body: []byte(body), file: true}}}
}

// nginxWelcome is the page of nginx's package.
const nginxWelcome = `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
`

// ownSite is what somebody has put up by themselves.
func (s source) ownSite(w software, name string) *site {
	r := s.rand("site " + name)
	title := pick(r, words()) + " " + pick(r, words())
	var text strings.Builder
	for range 5 + r.IntN(40) {
		text.WriteString(pick(r, words()) + " ")
	}
	body := fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%s</title></head>\n<body><h1>%s</h1>\n<p>%s</p></body></html>\n", title, title, text.String())
	out := &site{software: w, label: name, pages: map[string]page{"/": {code: 200, mime: html, body: []byte(body), file: r.IntN(2) == 0}}}
	if r.IntN(2) == 0 {
		out.pages["/favicon.ico"] = s.icon("site "+name, 200+r.IntN(900))
	}
	switch r.IntN(4) {
	case 0:
		out.fields, out.cookie = []field{{"X-Powered-By", "PHP/8.2.28"}}, "PHPSESSID"
	case 1:
		out.fields = []field{{"X-Frame-Options", "SAMEORIGIN"}, {"X-Content-Type-Options", "nosniff"}}
	case 2:
		out.fields = []field{{"Strict-Transport-Security", "max-age=31536000"}}
	}
	return out
}

// application is the login page of software that many strangers run.
func (s source) application(w software, name, title, cookie string, fields ...field) *site {
	body := fmt.Sprintf("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>%s</title><link rel=\"icon\" href=\"/favicon.ico\"></head>\n<body class=\"%s\"><form method=\"post\" action=\"/login\"><input name=\"user\"><input name=\"password\" type=\"password\"><button>Log in</button></form></body></html>\n", title, name)
	return &site{
		software: w, fields: fields, cookie: cookie, label: name,
		pages: map[string]page{
			"/":            {code: 200, mime: html + "; charset=utf-8", body: []byte(body)},
			"/favicon.ico": s.icon("application "+name, 1150),
		},
	}
}

// icon is a favicon that nobody would want to look at.
func (s source) icon(label string, size int) page {
	head := []byte{0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0}
	return page{code: 200, mime: "image/x-icon", body: append(head, s.bytes("icon "+label, size)...), file: true}
}

// redirect sends every visitor of / to the same host's TLS port.
func redirect(w software, name string) *site {
	moved := "<html><body>Moved</body></html>\n"
	return &site{software: w, pages: map[string]page{"/": {code: 301, mime: html, body: []byte(moved), location: fmt.Sprintf("https://%s:%d/", name, portTLS)}}}
}

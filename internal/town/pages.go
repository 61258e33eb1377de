package town

import (
	"fmt"
	"html"
	"math/rand/v2"
	"strings"
)

// look is a design of pages: a template that is filled in per host.
type look struct {
	title    string
	skeleton func(title, noise string) string
	favicon  []byte
	missing  []byte
	headers  [][2]string
	cookie   string
	tag      string
	hide     bool
	noisy    bool // pages name the host
	titled   bool // titles do as well
}

// at is the look on the host of that name.
func (l *look) at(host string) *site {
	title, noise := l.title, ""
	if l.titled {
		title = l.title + " - " + host
	}
	if l.noisy {
		noise = host
	}
	s := &site{
		index: []byte(l.skeleton(title, noise)), favicon: l.favicon, missing: l.missing,
		cookie: l.cookie, tag: l.tag, hide: l.hide,
	}
	for _, h := range l.headers {
		s.headers = append(s.headers, [2]string{h[0], strings.ReplaceAll(h[1], "HOST", host)})
	}
	return s
}

// panel is a design of a provider's customer panel.
func panel(r *rand.Rand, name, domain string) *look {
	brand := pick(r, capital(name), strings.ToUpper(name), name+".panel", capital(name)+" "+pick(r, "Cloud", "Servers", "Control", "VPS", "Systems"))
	l := design(r, pick(r, "%s Login", "Login | %s", "%s Control Panel", "%s", "Sign in to %s", "%s - Client Area", "Welcome to %s"), brand)
	l.skeleton = loginPage(r, brand)
	l.noisy = chance(r, .6)
	l.titled = l.noisy && chance(r, .3)
	if chance(r, .5) {
		l.headers = append(l.headers, [2]string{pick(r, "X-Node", "X-Served-By", "X-Panel", "X-Backend", "X-"+capital(name)), pick(r, "HOST", capital(name), "1."+fmt.Sprint(r.IntN(9)))})
		r.Shuffle(len(l.headers), func(i, j int) { l.headers[i], l.headers[j] = l.headers[j], l.headers[i] })
	}
	_ = domain
	return l
}

// ownSite is a design of a stranger's web site.
func ownSite(r *rand.Rand) *look {
	brand := capital(word(r, 2)) + pick(r, "", " "+pick(r, "Studio", "Blog", "GmbH", "Ltd", "Photography", "Consulting", "Wiki", "API", "Shop", "Dental", "Travel"))
	l := design(r, pick(r, "%s", "%s | Home", "Home - %s", "%s – coming soon", "Index of %s", "%s API", "Under construction: %s"), brand)
	l.skeleton = textPage(r, brand)
	if chance(r, .15) {
		l.skeleton = loginPage(r, brand)
	}
	return l
}

func design(r *rand.Rand, title, brand string) *look {
	l := &look{title: fmt.Sprintf(title, brand), headers: someHeaders(r)}
	if chance(r, .7) {
		l.favicon = icon(r)
	}
	if chance(r, .45) {
		l.missing = fmt.Appendf(nil, "<html><head><title>%s</title></head><body class=\"%s\"><h1>%s</h1><p>%s</p></body></html>\n",
			pick(r, "404", "Not found", "Oops", brand), word(r, 1), pick(r, "404", "Nothing here", "Page not found", "Error"), sentence(r))
	}
	if chance(r, .4) {
		l.cookie = pick(r, "PHPSESSID", "session", "sid", "JSESSIONID", "laravel_session", strings.ToUpper(word(r, 2)), word(r, 2)+"_sess")
	}
	l.hide = chance(r, .35)
	if chance(r, .3) {
		l.tag = pick(r, "nginx", "Apache", "cloud", word(r, 2), capital(word(r, 2))+"/1."+fmt.Sprint(r.IntN(9)))
	}
	return l
}

// loginApps are applications that many install: their pages are the same everywhere.
func loginApps() []*look {
	apps := []struct{ title, brand, cookie string }{
		{"phpMyAdmin", "phpMyAdmin", "phpMyAdmin"},
		{"Roundcube Webmail :: Welcome to Roundcube Webmail", "Roundcube Webmail", "roundcube_sessid"},
		{"Grafana", "Grafana", "grafana_session"},
		{"Login – Nextcloud", "Nextcloud", "nc_session"},
	}
	var looks []*look
	for i, a := range apps {
		r := rand.New(rand.NewPCG(uint64(i), 99)) // the same in every town
		looks = append(looks, &look{
			title: a.title, skeleton: loginPage(r, a.brand), favicon: icon(r), cookie: a.cookie, headers: someHeaders(r),
		})
	}
	return looks
}

func someHeaders(r *rand.Rand) [][2]string {
	pool := [][2]string{
		{"X-Frame-Options", pick(r, "SAMEORIGIN", "DENY")},
		{"X-Content-Type-Options", "nosniff"},
		{"X-XSS-Protection", pick(r, "1; mode=block", "0")},
		{"Strict-Transport-Security", pick(r, "max-age=31536000", "max-age=15768000", "max-age=63072000; includeSubDomains")},
		{"X-Powered-By", pick(r, "PHP/7.4.33", "PHP/8.2.20", "Express", "PHP/5.6.40", "ASP.NET")},
		{"Referrer-Policy", pick(r, "no-referrer", "same-origin", "strict-origin-when-cross-origin")},
		{"Cache-Control", pick(r, "no-cache", "no-store, no-cache, must-revalidate", "max-age=600", "private")},
		{"Pragma", "no-cache"},
		{"Access-Control-Allow-Origin", "*"},
		{"X-Robots-Tag", "noindex"},
		{"Vary", "Cookie"},
		{"Content-Security-Policy", pick(r, "default-src 'self'", "frame-ancestors 'self'")},
		{"X-Cache", pick(r, "MISS", "HIT")},
	}
	r.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	n := pick(r, 0, 0, 0, 1, 2, 2, 3, 3, 4, 6)
	return pool[:n]
}

// icon is bytes that begin like an ICO or PNG.
func icon(r *rand.Rand) []byte {
	head := pick(r, "\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00", "\x89PNG\r\n\x1a\n")
	return append([]byte(head), randomBytes(r, 300+r.IntN(1500))...)
}

func sentence(r *rand.Rand) string {
	words := make([]string, 5+r.IntN(9))
	for i := range words {
		words[i] = word(r, 1+r.IntN(2))
	}
	return capital(strings.Join(words, " ")) + "."
}

func loginPage(r *rand.Rand, brand string) func(title, noise string) string {
	class, field, colour := word(r, 2), pick(r, "user", "login", "email", "username"), r.IntN(1<<24)
	button, note := pick(r, "Log in", "Sign in", "Enter", "Continue"), sentence(r)
	generator := ""
	if chance(r, .3) {
		generator = fmt.Sprintf("<meta name=\"generator\" content=\"%s %d.%d\">\n", capital(word(r, 2)), r.IntN(9), r.IntN(20))
	}
	return func(title, noise string) string {
		return fmt.Sprintf(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
%s<title>%s</title>
<link rel="icon" href="/favicon.ico"><style>.%s{background:#%06x}</style></head>
<body><div class="%s"><h2>%s</h2><form method="post" action="/%s">
<input name="%s"><input type="password" name="password"><button>%s</button></form>
<p>%s</p><small>%s</small></div></body></html>
`, generator, html.EscapeString(title), class, colour, class, brand, class, field, button, note, noise)
	}
}

func textPage(r *rand.Rand, brand string) func(title, noise string) string {
	var body strings.Builder
	for range 1 + r.IntN(5) {
		fmt.Fprintf(&body, "<%[1]s>%[2]s</%[1]s>\n", pick(r, "p", "h2", "li", "div"), sentence(r))
	}
	doctype := pick(r, "<!DOCTYPE html>\n", "", "<!doctype html>\n", "<?xml version=\"1.0\"?>\n")
	return func(title, noise string) string {
		return fmt.Sprintf("%s<html>\n<head>\n<title>%s</title>\n</head>\n<body>\n<h1>%s</h1>\n%s%s</body>\n</html>\n",
			doctype, html.EscapeString(title), brand, body.String(), noise)
	}
}

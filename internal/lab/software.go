package lab

import (
	"crypto/tls"

	"golang.org/x/net/http2"
)

// webStock are the web servers that strangers run, with the order of fields,
// the page for a missing path and the HTTP/2 settings that each is known by.
func webStock() []software {
	nginx := []string{"Server", "Date", "Content-Type", "Content-Length", "Last-Modified", "Location", "Connection", "+", "ETag", "Accept-Ranges"}
	nginx404 := func(version string) string {
		return "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>" + version + "</center>\r\n</body>\r\n</html>\r\n"
	}
	nginxH2 := []http2.Setting{{ID: 3, Val: 128}, {ID: 4, Val: 65536}, {ID: 5, Val: 16777215}}
	return []software{
		{"nginx/1.22.1", nginx, nginx404("nginx/1.22.1"), nginxH2, 2147418112},
		{"nginx", nginx, nginx404("nginx"), nginxH2, 2147418112},
		{
			"Apache/2.4.62 (Debian)",
			[]string{"Date", "Server", "+", "Last-Modified", "ETag", "Accept-Ranges", "Location", "Content-Length", "Vary", "Content-Type"},
			"<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n",
			[]http2.Setting{{ID: 3, Val: 100}},
			2147418112,
		},
		{
			"lighttpd/1.4.69",
			[]string{"Content-Type", "ETag", "Last-Modified", "+", "Location", "Content-Length", "Accept-Ranges", "Date", "Server"},
			"<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n </body>\n</html>\n",
			[]http2.Setting{{ID: 3, Val: 8}, {ID: 4, Val: 65536}, {ID: 6, Val: 65535}, {ID: 8, Val: 1}, {ID: 9, Val: 1}},
			0,
		},
		{
			"Microsoft-IIS/10.0",
			[]string{"Content-Type", "Last-Modified", "Location", "Accept-Ranges", "ETag", "Server", "+", "Date", "Content-Length"},
			"<html><head><title>404 - File or directory not found.</title></head><body><h1>Server Error</h1></body></html>\r\n",
			[]http2.Setting{{ID: 3, Val: 100}, {ID: 4, Val: 1 << 20}},
			0,
		},
		{"Caddy", []string{"Accept-Ranges", "Content-Length", "Content-Type", "ETag", "Last-Modified", "Location", "Server", "Vary", "+", "Date"}, "", nil, 0},
	}
}

// front is the software of the content delivery network.
func front() software {
	return software{"edgefront", []string{"Date", "Content-Type", "Content-Length", "Connection", "+", "Server", "Location"}, "edge: no such object\n", []http2.Setting{{ID: 3, Val: 256}, {ID: 4, Val: 1 << 20}}, 1 << 20}
}

// A tlsSettings is a TLS server's configuration without its certificate.
type tlsSettings func() *tls.Config

// tlsStock are configurations as packages and common advice give them.
func tlsStock() []tlsSettings {
	nist := []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}
	return []tlsSettings{
		func() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}} },
		func() *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, CurvePreferences: nist}
		},
		func() *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS10, CurvePreferences: nist, NextProtos: []string{"http/1.1"}}
		},
		func() *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CurvePreferences: nist[1:]}
		},
		func() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}} },
		func() *tls.Config {
			return &tls.Config{MinVersion: tls.VersionTLS12, CurvePreferences: nist, CipherSuites: []uint16{
				tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
				tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			}}
		},
	}
}

// oddTLS is the configuration of one provider's image, and of those that look
// like it: TLS 1.2 alone, two suites, one curve, no tickets, and it asks
// clients for a certificate.
func oddTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		MaxVersion:             tls.VersionTLS12,
		CurvePreferences:       []tls.CurveID{tls.CurveP384},
		CipherSuites:           []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256},
		SessionTicketsDisabled: true,
		ClientAuth:             tls.RequestClientCert,
		NextProtos:             []string{"http/1.1"},
	}
}

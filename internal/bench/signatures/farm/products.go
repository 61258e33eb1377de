package farm

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hostkin/hostkin/internal/daemon"
)

// product is a server and how to put it up.
type product struct {
	name       string
	needs      []string // programs, or files by absolute path
	anyAddress bool     // it binds a port of all addresses
	serve      func(*Farm, []place)
}

// products are all that the farm knows, those first that every machine with
// the servers of the tests has. TLS libraries make different products of lighttpd.
func products() []product {
	return []product{
		{"nginx", []string{"nginx"}, false, (*Farm).nginx},
		{"apache2", []string{"apache2"}, false, (*Farm).apache},
		{"haproxy", []string{"haproxy"}, false, (*Farm).haproxy},
		{"lighttpd", []string{"lighttpd", lighttpdModule("openssl")}, false, lighttpd("openssl")},
		{"caddy", []string{"caddy"}, false, (*Farm).caddy},
		{"stunnel", []string{"stunnel4"}, false, (*Farm).stunnel},
		{"openssl", []string{"openssl"}, false, (*Farm).openssl},
		{"gnutls-serv", []string{"gnutls-serv"}, true, (*Farm).gnutls},
		{"python", []string{python}, false, (*Farm).python},
		{"go", nil, false, (*Farm).goTLS},
		{"node", []string{"node"}, false, (*Farm).node},
		{"java", []string{"java"}, false, (*Farm).java},
		{"lighttpd-gnutls", []string{"lighttpd", lighttpdModule("gnutls")}, false, lighttpd("gnutls")},
		{"lighttpd-mbedtls", []string{"lighttpd", lighttpdModule("mbedtls")}, false, lighttpd("mbedtls")},
		{"lighttpd-nss", []string{"lighttpd", lighttpdModule("nss")}, false, lighttpd("nss")},
		{"lighttpd-wolfssl", []string{"lighttpd", lighttpdModule("wolfssl")}, false, lighttpd("wolfssl")},
		{"hitch", []string{"hitch"}, false, (*Farm).hitch},
		{"h2o", []string{"h2o"}, false, (*Farm).h2o},
		{"nghttpx", []string{"nghttpx"}, false, (*Farm).nghttpx},
		{"botan", []string{"botan"}, true, (*Farm).botan},
		{"erlang", []string{"escript", "/usr/lib/erlang/lib/ssl-*"}, false, (*Farm).erlang},
		{"redis", []string{"redis-server"}, false, (*Farm).redis},
		{"mosquitto", []string{"mosquitto"}, false, (*Farm).mosquitto},
		{"socat", []string{"socat"}, false, (*Farm).socat},
		{"ncat", []string{"ncat"}, false, (*Farm).ncat},
		{"unbound", []string{"unbound"}, false, (*Farm).unbound},
		{"ngircd", []string{"ngircd"}, false, (*Farm).ngircd},
	}
}

const python = "/usr/bin/python3" // the package's, whatever PATH says

func (p product) missing() error {
	for _, need := range p.needs {
		if filepath.IsAbs(need) {
			if found, err := filepath.Glob(need); err != nil || len(found) == 0 {
				return fmt.Errorf("%s: %s: %w", p.name, need, os.ErrNotExist)
			}
		} else if _, err := daemon.Find(need); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

package town

import (
	"net/netip"
	"time"
)

// machine is a host of the town as its owner configured it.
type machine struct {
	addr netip.Addr
	role Role
	ssh  *sshServer // nil: no such server
	web  *webServer // likewise
	mail *service   // likewise: dovecot
	ftp  *service   // likewise: vsftpd
}

func (m *machine) software() []string {
	var s []string
	if m.web != nil {
		s = append(s, m.web.product)
	}
	if m.ssh != nil {
		s = append(s, m.ssh.product)
	}
	if m.mail != nil {
		s = append(s, "dovecot")
	}
	if m.ftp != nil {
		s = append(s, "vsftpd")
	}
	return s
}

// Products.
const (
	nginx    = "nginx"
	apache   = "apache2"
	haproxy  = "haproxy"
	lighttpd = "lighttpd"
	caddy    = "caddy"
	stunnel  = "stunnel4" // TLS in front of an nginx
	openssh  = "sshd"
	dropbear = "dropbear"
)

// sshServer is an OpenSSH or dropbear with its host keys; machines that share
// the pointer keys were cloned.
type sshServer struct {
	product string
	keys    *hostKeys
	conf    string // further lines of sshd_config
}

// webServer serves one site on a plain port, on a TLS port, or on both.
type webServer struct {
	product       string
	plain, secure bool // ports that are open
	redirect      bool // the plain port answers only with a redirect to https
	tls           tlsSettings
	cert          *certificate
	site          *site
}

// tlsSettings are what an administrator may set; zero fields are the product's defaults.
type tlsSettings struct {
	protocols []string // "1.0" ... "1.3"
	ciphers   string   // OpenSSL's list, up to TLS 1.2
	suites    string   // of TLS 1.3
	curves    string   // OpenSSL's list
	noTickets bool
	prefer    bool // the server's order decides
	h2        bool
}

// site is what a web server shows. Nil parts are the product's own.
type site struct {
	index   []byte
	favicon []byte
	missing []byte // page for unknown paths
	headers [][2]string
	cookie  string // name of a cookie with a fresh value in every answer
	stock   bool   // the distribution's default page; index is nil
	tag     string // Server header, where a product lets one set it (lighttpd, haproxy)
	hide    bool   // the version is left out of the Server header
}

// certificate is a leaf to be made by forge; machines that share the pointer
// show the same certificate.
type certificate struct {
	key        *tlsKey
	issuer     *authority // nil: self-signed
	subject    []rdn
	names      []string // DNS names
	addresses  []netip.Addr
	extensions []extension // in this order
	validity   time.Duration
	age        time.Duration // of notBefore
	midnight   bool          // notBefore is rounded to a day
	serial     int           // bytes of the serial number; 0: the number 1
	sendChain  bool          // the issuer's certificate is sent as well

	pem []byte // chain and key, set by forge
}

// authority signs certificates: a provider's own CA, or a public one's likeness.
type authority struct {
	key      *tlsKey
	subject  []rdn
	validity time.Duration
	der      []byte // set by forge
}

// rdn is one attribute of a distinguished name, by its short name (C, ST, L, O, OU, CN, E).
type rdn struct{ attribute, value string }

// extension is one X.509 extension by a short name, "!" appended if critical:
// ski aki bc ku eku san aia policies.
type extension string

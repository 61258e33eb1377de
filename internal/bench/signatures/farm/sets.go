package farm

import "fmt"

// set is the configurations of each product, by its name.
func set(name string) (map[string][]Config, error) {
	switch name {
	case "a":
		return setA(), nil
	case "b":
		return setB(), nil
	case "c":
		return setC(), nil
	}
	return nil, fmt.Errorf("there is no set %q of configurations, only a, b and c", name)
}

// Suites that guides recommend (Mozilla's guideline 5.7 and older ones).
const (
	mozilla = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
		"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305"
	mozillaOld = mozilla + ":ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:" +
		"ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES128-SHA256:DHE-RSA-AES256-SHA256:AES128-GCM-SHA256:" +
		"AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA:DES-CBC3-SHA:@SECLEVEL=0"
	high       = "HIGH:!aNULL:!MD5"
	legacy     = "DEFAULT:@SECLEVEL=0"
	all        = "ALL:!aNULL:@SECLEVEL=0"
	forward    = "EECDH+AESGCM:EDH+AESGCM"
	camellia   = "ECDHE+CAMELLIA:CAMELLIA:AES128-SHA"
	chacha     = "ECDHE+CHACHA20:ECDHE+AESGCM"
	rsaOnly    = "kRSA+AESGCM:kRSA+AES"
	only256    = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384"
	suites128  = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
	suitesCha  = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
	modern     = "X25519:prime256v1:secp384r1"
	dualCert   = "rsa+ec256"
	webALPN    = "h2,http/1.1"
	everything = "1.0"
)

package value

import "testing"

func TestDomain(t *testing.T) {
	for name, want := range map[string]string{
		"mx7.provider.net":      "provider.net",
		"MX7.Provider.NET.":     "provider.net",
		"a.b.example.co.uk":     "example.co.uk",
		"co.uk":                 "",
		"provider.net":          "provider.net",
		"localhost":             "",
		"localhost.localdomain": "",
		"ip-10-0-0-1.internal":  "",
		"8.15.2":                "",
		"192.0.2.1":             "",
		"":                      "",
		"..":                    "",
	} {
		if got := Domain(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

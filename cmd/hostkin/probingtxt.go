package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// probingTxt is a Probe Description File: RFC 9511 section 3.2, in the format of
// RFC 9116 section 4.
type probingTxt struct {
	contacts, canonical []string
	name, description   string
	languages           []string
	expires             string
	until               time.Time // of expires
	path                string    // of -o
}

// The bounds of a Probe Description File.
const (
	mostValid   = 366 * 24 * time.Hour // RFC 9116 section 2.5.5: less than a year is recommended
	usualValid  = 364 * 24 * time.Hour
	maxSentence = 1000 // bytes of a name or description
)

func (a *app) probingTxtCommand() *cobra.Command {
	var f probingTxt
	cmd := &cobra.Command{
		Use:   "probing-txt --contact URL",
		Short: "write the file that tells those who are scanned by whom and why (RFC 9511)",
		Long: `probing-txt writes a Probe Description File. Serve it as /.well-known/probing.txt over HTTPS, on the host
that the reverse DNS of the scanning address names, or on that address itself: that is where those who
see your connections look. Give its URL to scan and expand as --contact.`,
		Example: `  hostkin probing-txt --contact lab@example.net --name 'Example Lab' -o probing.txt
  hostkin probing-txt --contact https://example.net/scan --contact tel:+1-201-555-0123 \
      --canonical https://scanner.example.net/.well-known/probing.txt --expires 2027-01-31`,
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.contacts, "contact", nil, "mail address, or mailto, https or tel `URI`; the preferred first")
	flags.StringArrayVar(&f.canonical, "canonical", nil, "https `URL` where the file is served")
	flags.StringVar(&f.name, "name", "", "`WHO` is scanning")
	flags.StringVar(&f.description, "description", "", "`TEXT` of one line: what is done and why (default: what hostkin does)")
	flags.StringSliceVar(&f.languages, "languages", []string{"en"}, "`TAGS` of the languages in which you may be written to")
	flags.StringVar(&f.expires, "expires", "", "`DATE` from which the file is not to be believed, at most a year away (default: in 364 days)")
	flags.StringVarP(&f.path, "output", "o", "", "write to `FILE` instead of stdout")
	a.gather(flags)
	cmd.RunE = a.body(func(_ context.Context, args []string) []error {
		faults := f.check(time.Now())
		if len(args) > 0 {
			faults = append(faults, fmt.Errorf("probing-txt takes no arguments, but there is %q", args[0]))
		}
		return faults
	}, func(context.Context) error {
		err := a.results(f.path, false, f.write)
		if err == nil && len(f.canonical) == 0 {
			a.log.Info().Msg("serve it as https://HOST/.well-known/probing.txt, HOST being the reverse DNS name of the scanning address")
		}
		return err
	})
	return cmd
}

// check completes f and names every fault of its values.
func (f *probingTxt) check(now time.Time) (faults []error) {
	bad := func(flag, value string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s %q: %w", flag, value, err))
		}
	}
	if len(f.contacts) == 0 {
		faults = append(faults, errors.New("--contact is wanted: a mail address, or a mailto, https or tel URI"))
	}
	for i, text := range f.contacts {
		uri, err := contactURI(text, "https", "mailto", "tel") // RFC 9116 section 2.5.3: web URIs must be https
		f.contacts[i] = uri
		bad("contact", text, err)
	}
	for _, text := range f.canonical {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || !oneLine(text) || strings.Contains(text, " ") {
			bad("canonical", text, errors.New("must be an https URL"))
		}
	}
	for flag, text := range map[string]string{"name": f.name, "description": f.description} {
		if !oneLine(text) {
			bad(flag, text, fmt.Errorf("must be one line of printable UTF-8, at most %d bytes", maxSentence))
		}
	}
	tag := regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`) // RFC 5646 section 2.1, without its registry
	if len(f.languages) == 0 {
		faults = append(faults, errors.New("--languages: at least one is wanted"))
	}
	for _, text := range f.languages {
		if !tag.MatchString(text) {
			bad("languages", text, errors.New("must be a language tag like en or pt-BR"))
		}
	}
	var err error
	f.until, err = expiry(f.expires, now)
	bad("expires", f.expires, err)
	return faults
}

func oneLine(text string) bool {
	return len(text) <= maxSentence && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// expiry reads a date, or a moment as of RFC 3339.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now.Add(usualValid).UTC().Truncate(time.Second), nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t, err = time.Parse(time.RFC3339, text)
	}
	switch {
	case err != nil:
		return t, errors.New("must be a date like 2027-01-31, or a time as of RFC 3339")
	case !t.After(now):
		return t, errors.New("has passed")
	case t.Sub(now) > mostValid:
		return t, errors.New("is more than a year away: who reads it would not know whether it still holds (RFC 9116 section 2.5.5)")
	}
	return t.UTC(), nil
}

// write writes the fields in the order of RFC 9511's example.
func (f *probingTxt) write(w io.Writer) error {
	var b strings.Builder
	field := func(name, value string) { b.WriteString(name + ": " + value + "\n") }
	b.WriteString("# Who scans from here, and why: a Probe Description File (RFC 9511)\n")
	for _, uri := range f.canonical {
		field("Canonical", uri)
	}
	for _, uri := range f.contacts {
		field("Contact", uri)
	}
	field("Expires", f.until.Format(time.RFC3339))
	field("Preferred-Languages", strings.Join(f.languages, ", "))
	field("Description", cmp.Or(f.description, f.standard()))
	_, err := io.WriteString(w, b.String())
	return err
}

// standard says what hostkin does.
func (f *probingTxt) standard() string {
	return cmp.Or(f.name, "The operator of this address") + " compares servers with hostkin to find those that one provider runs. " +
		"It makes TCP connections, reads greetings, TLS handshakes, SSH host keys and the front page, and logs in nowhere. " +
		"Write to the contact to be left out."
}

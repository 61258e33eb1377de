package fingerprints_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

var update = flag.Bool("update", false, "write testdata/values.tsv anew")

// The values of recorded answers stand in testdata/values.tsv with the version
// of their kind. Values that change under one version would make old
// baselines and packs tell lies without a word.
func TestValuesKeepTheirVersion(t *testing.T) {
	o := everything(t)
	o.Host.IP, o.Host.Name = o.Host.IP.Next(), "mx.provider.net" // not what its answers say of themselves
	observations := []record.Observation{everything(t), o}
	files, err := filepath.Glob("http/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no recorded HTTP answers: ", err)
	}
	for _, file := range files {
		o := record.Observation{Host: o.Host, Port: 80}
		recorded(t, file, &o.HTTP)
		observations = append(observations, o)
	}
	var lines []string
	for _, o := range observations {
		for _, f := range fingerprints.Of(o) {
			lines = append(lines, fmt.Sprintf("%s\t%d\t%q", f.Kind, fingerprints.Version(f.Kind), f.Value))
		}
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	const golden = "testdata/values.tsv"
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(strings.Join(lines, "\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(text)), "\n"), lines); diff != "" {
		t.Errorf("values are not what they were (-were +are). If a definition has changed on purpose, raise the version of the kind in version.go; then: go test ./fingerprints -update\n%s", diff)
	}
}

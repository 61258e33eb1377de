package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hostkin/hostkin/casefile"
	"github.com/hostkin/hostkin/report"
)

func (a *app) caseInfoCommand() *cobra.Command {
	var out outputFlags
	cmd := &cobra.Command{
		Use:     "info DIR",
		Short:   "what a case is about and how far it is",
		Long:    `info tells what case.yaml says, how far each pass over the targets is, and what the files hold.`,
		Example: `  hostkin case info op-42`,
	}
	out.add(cmd.Flags(), "one line of JSON (caseinfo/1) instead of text")
	a.gather(cmd.Flags())
	cmd.RunE = a.oneCase(noCheck, func(ctx context.Context, c *casefile.Case) error {
		faults := caseFaults{app: a}
		info, err := c.Info(ctx, faults.tell)
		if err != nil {
			return err
		}
		i := newCaseInfo(c, info)
		err = a.results(out.path, false, func(w io.Writer) error {
			if out.json {
				return report.JSON(w, i)
			}
			return i.text(w)
		})
		return errors.Join(err, faults.result("the figures lack what could not be read"))
	})
	return cmd
}

// caseInfo is one line of caseinfo/1.
type caseInfo struct {
	Schema       string        `json:"schema"`
	Case         string        `json:"case"` // folder
	Name         string        `json:"name"`
	Why          string        `json:"why,omitempty"`
	Who          string        `json:"who,omitempty"`
	Contact      string        `json:"contact,omitempty"`
	Created      time.Time     `json:"created"`
	Hostkin      string        `json:"hostkin"`
	Seeds        []string      `json:"seeds,omitempty"`
	Ranges       []string      `json:"ranges,omitempty"`
	Lists        []string      `json:"lists,omitempty"`
	Exclusions   []string      `json:"exclusions,omitempty"`
	Ports        string        `json:"ports"`
	Targets      uint64        `json:"targets"`
	Observations int           `json:"observations"`
	LogBytes     int64         `json:"log_bytes"`
	Tables       int           `json:"tables"`
	TableBytes   int64         `json:"table_bytes"`
	Passes       []casePass    `json:"passes"`
	Segments     []caseSegment `json:"segments"`
}

type casePass struct {
	Pass         int       `json:"pass"`
	Done         uint64    `json:"done"` // targets
	Finished     bool      `json:"finished"`
	Hosts        int       `json:"hosts"` // of them asked
	Observations int       `json:"observations"`
	First        time.Time `json:"first"` // of its batches
	Last         time.Time `json:"last"`
	Bytes        int64     `json:"bytes"`
}

type caseSegment struct {
	File         string `json:"file"`
	Pass         int    `json:"pass"`
	Observations int    `json:"observations"`
	Batches      int    `json:"batches"`
	Bytes        int64  `json:"bytes"`
	Closed       bool   `json:"closed"`
}

func newCaseInfo(c *casefile.Case, info casefile.Info) caseInfo {
	s := c.Spec()
	i := caseInfo{Schema: "caseinfo/1", Case: c.Dir(), Name: s.Name, Why: s.Why, Who: s.Who, Contact: s.Contact, Created: s.Created,
		Hostkin: s.Hostkin, Seeds: s.Seeds, Ranges: s.Ranges, Lists: s.Lists, Exclusions: append(s.Exclusions, s.ExclusionLists...), Ports: s.Ports,
		Targets: s.Targets.Count, Tables: info.Tables, TableBytes: info.TableBytes, Passes: []casePass{}, Segments: []caseSegment{}}
	for _, p := range info.Passes {
		i.Passes = append(i.Passes, casePass{p.Pass, p.Done, p.Finished, p.Hosts, p.Lines, p.First, p.Last, p.Bytes})
		i.Observations += p.Lines
	}
	for _, x := range info.Segments {
		i.Segments = append(i.Segments, caseSegment{x.Name, x.Pass, x.Lines, x.Batches, x.Bytes, x.Closed})
		i.LogBytes += x.Bytes
	}
	return i
}

func (i caseInfo) text(w io.Writer) error {
	out := bufio.NewWriter(w)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{{"case", i.Name}, {"why", i.Why}, {"who", i.Who}, {"contact", i.Contact},
		{"created", i.Created.Format(time.RFC3339) + " by hostkin " + i.Hostkin},
		{"seeds", strings.Join(i.Seeds, " ")}, {"ranges", strings.Join(i.Ranges, " ")}, {"lists", strings.Join(i.Lists, " ")},
		{"exclusions", strings.Join(i.Exclusions, " ")}, {"ports", i.Ports}, {"targets", fmt.Sprint(i.Targets)},
		{"observations", fmt.Sprintf("%d in %d segments, %s", i.Observations, len(i.Segments), byteCount(i.LogBytes))},
		{"tables", fmt.Sprintf("%d, %s", i.Tables, byteCount(i.TableBytes))}} {
		if line[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", line[0], report.Safe(line[1]))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	t = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "pass\tdone\thosts asked\tobservations\tbytes\t  first\t  last\t  state\t\n")
	for _, p := range i.Passes {
		state := "goes on with the same command"
		if p.Finished {
			state = "finished"
		}
		fmt.Fprintf(t, "%d\t%.1f %%\t%d\t%d\t%s\t  %s\t  %s\t  %s\t\n", p.Pass, 100*float64(p.Done)/float64(cmp.Or(i.Targets, 1)), p.Hosts, p.Observations,
			byteCount(p.Bytes), p.First.Format(time.DateTime), p.Last.Format(time.DateTime), state)
	}
	return errors.Join(t.Flush(), out.Flush())
}

package casefile

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/hostkin/hostkin/fingerprints"
	"github.com/hostkin/hostkin/scanner/record"
)

// Row is a line of a fingerprint table: one value of one kind at one endpoint,
// as one segment shows it. The columns are documented in docs/case.md.
type Row struct {
	Host        string   `parquet:"host,dict"`                         // address
	IP          [16]byte `parquet:"ip"`                                // the same as 16 bytes, IPv4 mapped into IPv6 (RFC 4291 2.5.5.2)
	Port        int32    `parquet:"port"`                              //
	Kind        string   `parquet:"kind,dict"`                         //
	Value       string   `parquet:"value"`                             //
	Partial     int32    `parquet:"partial,dict"`                      // 1: an answer was missing (no BOOLEAN: the library leaves chance in its unused bits)
	FirstSeen   int64    `parquet:"first_seen,timestamp(millisecond)"` // UTC
	LastSeen    int64    `parquet:"last_seen,timestamp(millisecond)"`  // UTC
	Pass        int32    `parquet:"pass"`                              // from 1
	KindVersion int32    `parquet:"kind_version"`                      // fingerprints.Version: others do not compare
}

// The key-value metadata of a table.
const (
	TableSchema   = "fingerprint_table/1"
	tableKey      = "hostkin.schema"
	tableSegment  = "hostkin.segment"
	tableSource   = "hostkin.segment_sha256"
	rowsAtOnce    = 1024
	rowsPerGroup  = 1 << 18
	maxTable      = 16 << 30 // bytes
	maxRows       = 16 << 20 // of a segment
	bitsPerFilter = 10       // about 1 % false positives
)

func (c *Case) tablePath(n segmentName) string { return c.path(tableFolder, n.String()+tableSuffix) }

// compareRows is the order of a table.
func compareRows(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Host, b.Host),
		cmp.Compare(a.Port, b.Port), cmp.Compare(a.Pass, b.Pass), cmp.Compare(a.Partial, b.Partial))
}

// derive computes the rows of a segment, sorted. What cannot be read is told
// to fault and left out.
func (c *Case) derive(ctx context.Context, s *segment, fault func(Fault)) ([]Row, error) {
	t, err := c.textOf(ctx, s, func(f Fault) {
		if !f.Torn {
			fault(f)
		}
	})
	if err != nil {
		return nil, err
	}
	defer t.close()
	var rows []Row
	pass := int32(t.pass())
	lines := bufio.NewReaderSize(t, 64<<10)
	var line []byte
	for number := 1; ; number++ {
		var long bool
		line, long, err = record.ReadLine(lines, line[:0])
		if err == io.EOF { // the last line of a batch has an end, so nothing stands before it
			break
		}
		if err != nil {
			return nil, err
		}
		var o record.Observation
		if long || json.Unmarshal(line, &o) != nil || o.Schema != record.Schema || !o.Host.IP.IsValid() {
			fault(Fault{File: s.file.Name(), Offset: -1, Err: fmt.Errorf("line %d is no %s of at most %d MiB", number, record.Schema, record.MaxLine>>20)})
			continue
		}
		if rows = appendRows(rows, o, pass); len(rows) > maxRows {
			return nil, fmt.Errorf("%s has more than %d fingerprints, which no segment of hostkin's has", s.file.Name(), maxRows)
		}
	}
	slices.SortFunc(rows, compareRows)
	return mergeRows(rows), nil
}

// appendRows appends the fingerprints of an observation.
func appendRows(rows []Row, o record.Observation, pass int32) []Row {
	seen, host := o.At.UnixMilli(), o.Host.String()
	for _, f := range fingerprints.Of(o) {
		partial := int32(0)
		if f.Partial {
			partial = 1
		}
		rows = append(rows, Row{Host: host, IP: o.Host.IP.As16(), Port: int32(f.Port), Kind: string(f.Kind), Value: f.Value,
			Partial: partial, FirstSeen: seen, LastSeen: seen, Pass: pass, KindVersion: int32(fingerprints.Version(f.Kind))})
	}
	return rows
}

// mergeRows makes one of sorted rows that differ in their times only.
func mergeRows(rows []Row) []Row {
	out := rows[:0]
	for _, row := range rows {
		if n := len(out); n > 0 && compareRows(out[n-1], row) == 0 {
			last := &out[n-1]
			last.FirstSeen, last.LastSeen = min(last.FirstSeen, row.FirstSeen), max(last.LastSeen, row.LastSeen)
			continue
		}
		out = append(out, row)
	}
	return out
}

// writeTable writes the rows of a segment and enters the table.
func (c *Case) writeTable(n segmentName, e entry, rows []Row) error {
	path := c.tablePath(n)
	err := writeFile(path, func(out io.Writer) error {
		w := parquet.NewGenericWriter[Row](out, parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(rowsPerGroup),
			parquet.CreatedBy("hostkin", "", ""),
			parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending("kind"), parquet.Ascending("value"), parquet.Ascending("host"))),
			parquet.BloomFilters(parquet.SplitBlockFilter(bitsPerFilter, "value"), parquet.SplitBlockFilter(bitsPerFilter, "host")),
			parquet.KeyValueMetadata(tableKey, TableSchema), parquet.KeyValueMetadata(tableSegment, n.String()),
			parquet.KeyValueMetadata(tableSource, e.SHA256))
		for part := range slices.Chunk(rows, rowsAtOnce) {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return w.Close()
	})
	if err != nil {
		return fmt.Errorf("write fingerprint table %s: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	_, sum, err := digest(f)
	if err = errors.Join(err, f.Close()); err != nil || sum == e.Table {
		return err
	}
	e.Table = sum
	return c.appendEntry(e)
}

// table is an open fingerprint table.
type table struct {
	file   *os.File
	reader *parquet.GenericReader[Row]
	path   string
}

// openTable opens the table of a segment; fs.ErrNotExist if there is none. Its
// bytes must be those of the manifest: the library that reads it takes lengths
// in a broken file at their word.
func (c *Case) openTable(n segmentName, e entry) (t *table, err error) {
	path := c.tablePath(n)
	if e.Table == "" { // there may be a file, if a crash came before it was entered
		return nil, fs.ErrNotExist
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { // the library panics at some broken files
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%s: no parquet that can be read: %v", path, fault)
		}
		if err != nil {
			f.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxTable {
		return nil, fmt.Errorf("%s: longer than %d bytes", path, int64(maxTable))
	}
	if _, sum, err := digest(f); err != nil || sum != e.Table {
		return nil, errors.Join(err, fmt.Errorf("%s: not the table that the manifest has for the segment", path))
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: no parquet that can be read: %w", path, err)
	}
	schema, _ := p.Lookup(tableKey)
	name, _ := p.Lookup(tableSegment)
	if schema != TableSchema || name != n.String() || p.Schema().String() != parquet.SchemaOf(Row{}).String() {
		return nil, fmt.Errorf("%s: schema %.40q of segment %.40q; wanted %s of %s", path, schema, name, TableSchema, n)
	}
	if source, _ := p.Lookup(tableSource); source != e.SHA256 {
		return nil, fmt.Errorf("%s: not made of the segment that is there", path)
	}
	return &table{f, parquet.NewGenericReader[Row](p), path}, nil
}

func (t *table) close() { t.file.Close() }

// read fills rows as io.Reader does, and checks their order and versions.
func (t *table) read(rows []Row) (n int, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			n, err = 0, fmt.Errorf("%s: %v", t.path, fault)
		}
	}()
	n, err = t.reader.Read(rows)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", t.path, err)
	}
	if n > 0 && err == io.EOF {
		err = nil
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	for _, row := range rows[:n] {
		if row.KindVersion != int32(fingerprints.Version(fingerprints.Kind(row.Kind))) {
			return 0, fmt.Errorf("%s: values of %.40q are of version %d of their definition; hostkin case rebuild derives them anew", t.path, row.Kind, row.KindVersion)
		}
		if addr, err := netip.ParseAddr(row.Host); err != nil || row.IP != addr.As16() || row.Port < 0 || row.Port > 65535 {
			return 0, fmt.Errorf("%s: host %.60q, port %d: no endpoint, or not the ip beside it", t.path, row.Host, row.Port)
		}
	}
	return n, err
}

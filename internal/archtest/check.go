// Package archtest keeps the rules of DESIGN.md and STYLE.md that a parser can
// see: import directions, no I/O in protocols, no exit, panic or log outside
// the command, no init, no package variable that changes.
//
// The sources are parsed in this process. A check that asks `go list` stays
// green from the test cache after a violation; files read by the test itself
// are inputs that the cache knows of.
package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Check parses every Go file of tree, the root folder of module, and returns
// each violation as "file:line: what and why", sorted. Left out are test files
// (except that they too may not import cmd), testdata, hidden folders and
// modules of their own. The error is of reading or parsing.
func Check(tree fs.FS, module string) ([]string, error) {
	c := &checker{module: module, set: token.NewFileSet(), packages: map[string][]source{}}
	if err := fs.WalkDir(tree, ".", c.visit(tree)); err != nil {
		return nil, err
	}
	for pkg, files := range c.packages {
		r := c.resolve(files)
		for _, f := range files {
			c.file(pkg, f, r)
		}
		if !inCommand(pkg) {
			r.variables(c, files)
		}
	}
	slices.Sort(c.found)
	return c.found, nil
}

// source is one parsed file.
type source struct {
	*ast.File
	name string // inside the tree
	test bool
}

type checker struct {
	module   string
	set      *token.FileSet
	packages map[string][]source // by folder, which is the package's path inside the module
	found    []string
}

func (c *checker) visit(tree fs.FS) fs.WalkDirFunc {
	return func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if name == "." {
				return nil
			}
			_, own := fs.Stat(tree, name+"/go.mod")
			if base == "testdata" || base == "vendor" || base[0] == '.' || base[0] == '_' || own == nil {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(c.set, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		c.packages[dir] = append(c.packages[dir], source{f, name, strings.HasSuffix(base, "_test.go")})
		return nil
	}
}

func (c *checker) report(at token.Pos, format string, args ...any) {
	p := c.set.Position(at)
	c.found = append(c.found, fmt.Sprintf("%s:%d: %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
}

// file checks what can be seen in one file of a package.
func (c *checker) file(pkg string, f source, r *resolved) {
	for _, spec := range f.Imports {
		c.imported(pkg, f, spec)
	}
	if f.test {
		return
	}
	if vague(f.Name.Name) {
		c.report(f.Name.Pos(), "package %s: the name says nothing about what is inside", f.Name.Name)
	}
	ast.Inspect(f.File, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				c.report(n.Pos(), "func init: nothing happens at import")
			}
		case *ast.CallExpr:
			if r.builtin(n.Fun) == "panic" && !inCommand(pkg) && !inside(pkg) {
				c.report(n.Pos(), "panic: return an error")
			}
		case *ast.SelectorExpr:
			if from := r.imported(n.X); from != "" {
				c.used(pkg, f, n, from)
			}
		}
		return true
	})
}

// imported checks one import against the layers and the bans.
func (c *checker) imported(pkg string, f source, spec *ast.ImportSpec) {
	to, _ := strconv.Unquote(spec.Path.Value)
	inner, ours := strings.CutPrefix(to, c.module+"/")
	own := layers()[slices.IndexFunc(layers(), func(l layer) bool { return match(l.of, pkg) })]
	switch {
	case ours && inCommand(inner) && !inCommand(pkg):
		c.report(spec.Pos(), "%s imports %s: nothing imports the command", pkg, inner)
	case f.test:
	case ours && helper(inner) && !inside(pkg):
		c.report(spec.Pos(), "%s imports %s: test helpers are for tests", pkg, inner)
	case ours && !inside(pkg) && !inCommand(pkg):
		if !matchAny(own.may, inner) {
			c.report(spec.Pos(), "%s imports %s: %s", pkg, inner, own.why)
		}
	case !ours && strings.Contains(strings.Split(to, "/")[0], "."):
		if may, limited := libraries(pkg); limited && !matchAny(may, to) {
			c.report(spec.Pos(), "%s imports %s: %s", pkg, to, own.why)
		}
	}
	if f.test {
		return
	}
	if spec.Name != nil && spec.Name.Name == "." {
		c.report(spec.Pos(), "import of %s into the file's own names hides where they come from", to)
	}
	for _, b := range bans() {
		if b.names == nil && match(b.pkg, to) && b.where(pkg) && f.Name.Name != "main" {
			c.report(spec.Pos(), "%s imports %s: %s", pkg, to, b.why)
		}
	}
}

// used checks the use of a package-level name of an imported package.
func (c *checker) used(pkg string, f source, sel *ast.SelectorExpr, from string) {
	for _, b := range bans() {
		if b.pkg == from && matchAny(b.names, sel.Sel.Name) && b.where(pkg) && f.Name.Name != "main" {
			c.report(sel.Pos(), "%s.%s: %s", path.Base(from), sel.Sel.Name, b.why)
		}
	}
}

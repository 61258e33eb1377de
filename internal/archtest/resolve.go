package archtest

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
	"path"
)

// resolved knows which identifier of a package means what.
type resolved struct {
	info *types.Info
	pkg  *types.Package
}

// resolve type-checks a package on its own. Imports stay unresolved, and the
// errors that follow are of no interest: scopes are right all the same, and
// nothing outside the tree has to be found.
func (c *checker) resolve(files []source) *resolved {
	var syntax []*ast.File
	for _, f := range files {
		if !f.test {
			syntax = append(syntax, f.File)
		}
	}
	r := &resolved{info: &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}}
	conf := types.Config{Importer: noImports{}, Error: func(error) {}, FakeImportC: true}
	r.pkg, _ = conf.Check("", c.set, syntax, r.info)
	return r
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not needed") }

// imported is the path of the package that e names, if it names one.
func (r *resolved) imported(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		if p, ok := r.info.Uses[id].(*types.PkgName); ok {
			return p.Imported().Path()
		}
	}
	return ""
}

// builtin is the name of the predeclared function that e is, if it is one.
func (r *resolved) builtin(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		if b, ok := r.info.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// global is the package-level variable that e is or lies in.
func (r *resolved) global(e ast.Expr) types.Object {
	switch e := e.(type) {
	case *ast.Ident:
		if o, ok := r.info.Uses[e].(*types.Var); ok && o.Parent() == r.pkg.Scope() {
			return o
		}
	case *ast.SelectorExpr:
		return r.global(e.X)
	case *ast.IndexExpr:
		return r.global(e.X)
	case *ast.SliceExpr:
		return r.global(e.X)
	case *ast.ParenExpr:
		return r.global(e.X)
	case *ast.StarExpr:
		return r.global(e.X)
	}
	return nil
}

// variables reports package-level variables that the package itself changes,
// or whose type is made to change.
func (r *resolved) variables(c *checker, files []source) {
	for _, f := range files {
		if f.test || f.Name.Name == "main" {
			continue
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				r.declared(c, spec)
			}
			for _, e := range changed(n, r) {
				if o := r.global(e); o != nil {
					c.report(e.Pos(), "variable %s of the package is changed here", o.Name())
				}
			}
			return true
		})
	}
}

// declared reports variables of types that hold changing state. A sync.Pool
// passes: what it holds means nothing.
func (r *resolved) declared(c *checker, spec *ast.ValueSpec) {
	kind := spec.Type
	if len(spec.Values) == 1 && kind == nil {
		if literal, ok := spec.Values[0].(*ast.CompositeLit); ok {
			kind = literal.Type
		}
	}
	sel, ok := kind.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name == "Pool" {
		return
	}
	from := r.imported(sel.X)
	if from != "sync" && from != "sync/atomic" {
		return
	}
	for _, name := range spec.Names {
		if o := r.info.Defs[name]; o != nil && o.Parent() == r.pkg.Scope() {
			c.report(name.Pos(), "variable %s of type %s.%s is state that all users of the package share", name.Name, path.Base(from), sel.Sel.Name)
		}
	}
}

// changed is the expressions that a statement or operator may change.
func changed(n ast.Node, r *resolved) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND { // a pointer lets anyone change it
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		switch r.builtin(n.Fun) {
		case "delete", "clear", "copy":
			return n.Args[:min(1, len(n.Args))]
		}
	}
	return nil
}

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The root of the module, as seen from this package.
const root = "../.."

// mayImport is the table of ARCHITECTURE.md: every package of the module, and which others of ours it may import. A name
// that ends in /... stands for all packages below. Tests may import more: the lab and the database are what they test with.
var mayImport = map[string][]string{
	"sql":                        {},
	"servent/mmsg":               {},
	"probe":                      {},
	"probe/roll":                 {},
	"crawler":                    {"probe", "probe/roll"},
	"crawler/pace":               {"servent/mmsg"},
	"servent":                    {"servent/..."},
	"servent/message":            {"servent/ggep", "servent/internal/cursor"},
	"servent/ggep":               {"servent/internal/cursor"},
	"servent/handshake":          {"servent/internal/interrupt", "servent/internal/ahead"},
	"servent/link":               {"servent/message", "servent/handshake", "servent/internal/interrupt"},
	"servent/bootstrap":          {"servent/message", "servent/ggep"},
	"servent/qrp":                {},
	"servent/urn":                {},
	"servent/library":            {"servent/ggep", "servent/internal/vicinity", "servent/message", "servent/qrp", "servent/urn"},
	"servent/lab":                {"servent", "servent/..."},
	"servent/internal/cursor":    {},
	"servent/internal/ahead":     {"servent/internal/interrupt"},
	"servent/internal/interrupt": {},
	"servent/internal/vector":    {},
	"servent/internal/vicinity":  {},
	"probe/gnutella":             {"probe", "servent", "servent/..."},
	"storage":                    {"probe", "probe/roll", "sql"},
	"storage/cluster":            {},
	"storage/spool":              {"probe", "storage"},
	"storage/smalldisk":          {},
	"storage/storagetest":        {"storage", "storage/cluster", "sql"},
	"reports":                    {"storage", "sql", "reports/graph"},
	"reports/exchange":           {"storage", "sql"},
	"reports/graph":              {},
	"reports/figure":             {"storage", "sql", "reports/graph"},
	"reports/page":               {"storage", "reports", "reports/figure", "reports/graph"},
	"cmd/gnucensus":              {"..."},
	"servent/transfer": {
		"servent/ggep", "servent/handshake", "servent/internal/...", "servent/library", "servent/message", "servent/urn",
	},
	"servent/conformance": { // its target is a black box
		"servent/message", "servent/ggep", "servent/qrp", "servent/handshake", "servent/link", "servent/internal/interrupt",
	},
}

// mayNotImport takes out of the table what its /... would let in.
var mayNotImport = map[string][]string{
	"servent":        {"servent/lab"},
	"probe/gnutella": {"servent/lab"},
}

// doors are the outside modules, and the packages of ours through which each comes in. Packages below a door may use it too.
var doors = map[string][]string{
	"github.com/jackc/pgx/v5":             {"storage"},
	"github.com/pressly/goose/v3":         {"storage"},
	"github.com/urfave/cli/v2":            {"cmd/gnucensus"},
	"github.com/vbauerster/mpb/v8":        {"cmd/gnucensus"},
	"github.com/lmittmann/tint":           {"cmd/gnucensus"},
	"golang.org/x/term":                   {"cmd/gnucensus"},
	"golang.org/x/time":                   {"servent/transfer", "crawler/pace"},
	"github.com/gaissmai/bart":            {"crawler/pace"},
	"github.com/olekukonko/tablewriter":   {"reports"},
	"golang.org/x/sync":                   {"servent", "probe", "storage", "reports/page", "cmd/gnucensus"},
	"golang.org/x/sys":                    {"servent", "storage", "crawler/pace"},
	"golang.org/x/text":                   {"servent", "reports"},
	"github.com/klauspost/compress":       {"servent", "reports/exchange"},
	"github.com/parquet-go/parquet-go":    {"reports/exchange"},
	"gonum.org/v1/plot":                   {"reports/figure"},
	"github.com/google/go-cmp":            {}, // tests only
	"pgregory.net/rapid":                  {}, // tests only
	"github.com/prometheus/client_golang": {"cmd/gnucensus"},
}

// TestImports holds the source to the table and the laws of ARCHITECTURE.md.
func TestImports(t *testing.T) {
	documented := make(map[string]bool)
	for _, file := range goFiles(t) {
		pkg := path.Dir(file)
		if _, known := mayImport[pkg]; !known {
			t.Errorf("%s: package %s is not in the import table", file, pkg)
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		documented[pkg] = documented[pkg] || f.Doc.Text() != ""
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, spec := range f.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkImport(t, file, pkg, name)
		}
		if path.Base(file) != "main.go" {
			checkCalls(t, file, f)
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(documented)) {
		if !documented[pkg] {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go"):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkImport(t *testing.T, file, pkg, name string) {
	if ours, ok := strings.CutPrefix(name, "gnucensus/"); ok {
		if !matches(mayImport[pkg], ours) || matches(mayNotImport[pkg], ours) {
			t.Errorf("%s: %s may not import %s", file, pkg, ours)
		}
		return
	}
	if first, _, _ := strings.Cut(name, "/"); !strings.Contains(first, ".") {
		return // standard library
	}
	for module, through := range doors {
		if name == module || strings.HasPrefix(name, module+"/") {
			if !slices.ContainsFunc(through, func(door string) bool { return pkg == door || strings.HasPrefix(pkg, door+"/") }) {
				t.Errorf("%s: %s comes in through %v only", file, name, through)
			}
			return
		}
	}
	t.Errorf("%s: %s has no door", file, name)
}

func matches(table []string, name string) bool {
	return slices.ContainsFunc(table, func(entry string) bool {
		prefix, all := strings.CutSuffix(entry, "...")
		return name == entry || all && strings.HasPrefix(name, prefix)
	})
}

// checkCalls finds what only main may do: make a context out of nothing, and end the process.
func checkCalls(t *testing.T, file string, f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok {
			call := x.Name + "." + sel.Sel.Name
			if call == "os.Exit" || x.Name == "context" && !derives(sel.Sel.Name) {
				t.Errorf("%s: %s outside main", file, call)
			}
		}
		return true
	})
}

// derives tells whether a name of package context is of one that exists, or makes one out of another.
func derives(name string) bool {
	return strings.HasPrefix(name, "With") || slices.Contains([]string{
		"AfterFunc", "Canceled", "CancelCauseFunc", "CancelFunc", "Cause", "Context", "DeadlineExceeded",
	}, name)
}

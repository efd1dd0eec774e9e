package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/revmap/revmap/gen/cache"
)

var update = flag.Bool("update", false, "rewrite what the tests expect")

func TestMain(m *testing.M) {
	if _, set := os.LookupEnv(cache.Variable); !set {
		os.Setenv(cache.Variable, "off")
	}
	testscript.Main(m, map[string]func(){
		"revmap": func() {
			os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs testdata/script. Besides what testscript offers, the scripts have
//
//	status N PROGRAM ARGUMENT...   exec, which must end with the status N
//	flip FILE OFFSET               inverts the byte at the offset
//	truncate FILE SIZE
//	[root]                         true for the superuser, who has all permissions
//	$RECORDS                       testdata/records.yaml, to be copied: it is in a Git repository
//	$SCHEMA                        docs/records.schema.json
//	$IMPORT                        docs/import.md
//
// The source is of 2026-01-01 unless the script sets another SOURCE_DATE_EPOCH.
func TestScripts(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("RECORDS", filepath.Join(here, "testdata/records.yaml"))
			env.Setenv("SCHEMA", filepath.Join(here, "../../docs/records.schema.json"))
			env.Setenv("IMPORT", filepath.Join(here, importPage))
			env.Setenv(cache.Variable, "off")
			env.Setenv("SOURCE_DATE_EPOCH", "1767225600")
			env.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(env.WorkDir)) // no repository around the script's folder
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			for _, who := range []string{"AUTHOR", "COMMITTER"} {
				env.Setenv("GIT_"+who+"_NAME", "A Person")
				env.Setenv("GIT_"+who+"_EMAIL", "person@example.net")
			}
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":   status,
			"flip":     flip,
			"truncate": truncate,
		},
	})
}

func condition(cond string) (bool, error) {
	if cond == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARGUMENT...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("status %d, want %s", got, args[0])
	}
}

func flip(ts *testscript.TestScript, neg bool, args []string) {
	file, offset := fileAndNumber(ts, neg, args)
	b, err := os.ReadFile(file)
	ts.Check(err)
	b[offset] ^= 0xff
	ts.Check(os.WriteFile(file, b, 0o644))
}

func truncate(ts *testscript.TestScript, neg bool, args []string) {
	file, size := fileAndNumber(ts, neg, args)
	ts.Check(os.Truncate(file, int64(size)))
}

func fileAndNumber(ts *testscript.TestScript, neg bool, args []string) (string, int) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: FILE NUMBER")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	return ts.MkAbs(args[0]), n
}

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/revmap/revmap/gen/users"
)

func (p *program) user() *cobra.Command {
	c := &cobra.Command{
		Use:   "user COMMAND",
		Short: "Say who may use revmap serve",
		Long: `user writes the file that says who may sign in to revmap serve, with which
password or token, and what they may do there. A server that is running takes
changes over within a second. docs/users.md tells more.`,
	}
	u := &userCommand{program: p}
	c.PersistentFlags().StringVar(&u.file, "users", defaultUsers, "`FILE` of the users")
	c.AddCommand(u.add(), u.list(), u.password(), u.remove(), u.token())
	needsCommand(c)
	return c
}

// defaultUsers is the file of the users where none is given.
const defaultUsers = "users.json"

// A userCommand is a subcommand that reads or writes the file of the users.
type userCommand struct {
	*program
	file string
}

func (u *userCommand) add() *cobra.Command {
	var person users.Person
	c := &cobra.Command{
		Use:   "add LOGIN --role ROLE --email ADDRESS",
		Short: "Add a person",
		Long: `add adds a person, and makes the file if it is not there. Without
--password-stdin it makes a password and prints it, which it can do only now.

An operator sees and names all addresses. An account sees the addresses of the
servers of its accounts, and gives them names in the domains that the source has
for these accounts. A viewer sees all addresses, or with --account those of some
accounts, and changes nothing.

Full name and email address are those of the commits that the person makes.`,
		Example: `  revmap user add alice --role operator --email alice@example.net
  revmap user add acme --role account --account acme --email admin@acme.example`,
		Args: operands("LOGIN"),
	}
	c.DisableFlagsInUseLine = true
	c.Flags().StringVar((*string)(&person.Role), "role", "", "`ROLE` of the person: operator, account, viewer")
	c.Flags().StringArrayVar(&person.Accounts, "account", nil,
		"let the person see the servers of `ACCOUNT`; may be repeated")
	c.Flags().StringVar(&person.Email, "email", "", "email `ADDRESS` of the person")
	c.Flags().StringVar(&person.FullName, "full-name", "", "full `NAME` of the person (default LOGIN)")
	given := passwordFlag(c)
	require(c, "role")
	require(c, "email")
	add := work(func(c *cobra.Command, _ []string) error {
		return u.setPassword(c, person.Login, *given, func(f *users.File, password string) error {
			return f.Add(&person, password)
		})
	})
	c.RunE = func(c *cobra.Command, args []string) error {
		person.Login, person.FullName = args[0], cmp.Or(person.FullName, args[0])
		if err := person.Check(); err != nil {
			return err
		}
		return add(c, args)
	}
	return c
}

func (u *userCommand) password() *cobra.Command {
	c := &cobra.Command{
		Use:   "password LOGIN",
		Short: "Give a person another password",
		Long: `password replaces the password of a person, who has to sign in again then.
Without --password-stdin it makes a password and prints it. Tokens stay.`,
		Args: operands("LOGIN"),
	}
	given := passwordFlag(c)
	c.RunE = work(func(c *cobra.Command, args []string) error {
		return u.setPassword(c, args[0], *given, func(f *users.File, password string) error {
			return f.SetPassword(args[0], password)
		})
	})
	return c
}

func passwordFlag(c *cobra.Command) *bool {
	return c.Flags().Bool("password-stdin", false, "read the password from stdin, instead of making one")
}

// setPassword edits the file by set, with the password on stdin if it is given there, or else one that it makes and
// prints.
func (u *userCommand) setPassword(c *cobra.Command, login string, given bool,
	set func(*users.File, string) error) error {
	password := users.NewPassword()
	if given {
		const most = 4096
		data, err := io.ReadAll(io.LimitReader(c.InOrStdin(), most))
		if err != nil {
			return fmt.Errorf("read the password: %w", err)
		}
		password = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	}
	if err := users.Edit(u.file, func(f *users.File) error { return set(f, password) }); err != nil || given {
		return err
	}
	fmt.Fprintf(u.stderr, "revmap: the password of %s, which is shown only now:\n", login)
	fmt.Fprintln(u.stdout, password)
	return nil
}

func (u *userCommand) list() *cobra.Command {
	return u.table("List everybody", func(f *users.File, w io.Writer) {
		fmt.Fprintln(w, "LOGIN\tROLE\tACCOUNTS\tNAME")
		for _, p := range f.People() {
			accounts := cmp.Or(strings.Join(p.Accounts, " "), "all")
			fmt.Fprintf(w, "%s\t%s\t%s\t%s <%s>\n", p.Login, p.Role, accounts, p.FullName, p.Email)
		}
	})
}

// table is a command that lists something of the file, by lines whose columns end in tabs.
func (u *userCommand) table(short string, lines func(*users.File, io.Writer)) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: short,
		Args:  operands(),
	}
	c.RunE = work(func(*cobra.Command, []string) error {
		f, err := users.Read(u.file)
		if errors.Is(err, fs.ErrNotExist) {
			return withHint(err, "revmap user add makes it")
		}
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(u.stdout, 0, 0, 2, ' ', 0)
		lines(f, w)
		return w.Flush()
	})
	return c
}

func (u *userCommand) remove() *cobra.Command {
	c := &cobra.Command{
		Use:   "remove LOGIN",
		Short: "Remove a person, and the person's tokens",
		Args:  operands("LOGIN"),
	}
	c.RunE = work(func(_ *cobra.Command, args []string) error {
		return users.Edit(u.file, func(f *users.File) error { return f.Remove(args[0]) })
	})
	return c
}

func (u *userCommand) token() *cobra.Command {
	c := &cobra.Command{
		Use:   "token COMMAND",
		Short: "Make tokens, for programs",
		Long: `A token is for a program what a password is for a person. It lets in whoever has
it as the person whose it is, and can be removed alone.`,
	}
	c.AddCommand(u.addToken(), u.listTokens(), u.removeToken())
	needsCommand(c)
	return c
}

func (u *userCommand) addToken() *cobra.Command {
	var t users.Token
	var until string
	c := &cobra.Command{
		Use:   "add LOGIN",
		Short: "Make a token and print it",
		Long: `token add makes a token for a person and prints it, which it can do only now:
the file has no more than a digest.`,
		Example: `  revmap user token add alice --note "inventory sync" --until 2027-12-31
  revmap user token add alice --read-only`,
		Args: func(c *cobra.Command, args []string) error {
			if err := operands("LOGIN")(c, args); err != nil || until == "" {
				return err
			}
			var err error
			if t.Until, err = time.Parse(time.DateOnly, until); err != nil {
				return fmt.Errorf("--until is %q, want a date as in 2027-12-31", until)
			}
			if today := time.Now().UTC().Truncate(24 * time.Hour); t.Until.Before(today) {
				return fmt.Errorf("--until is %s, which is over: want %s or later", until, today.Format(time.DateOnly))
			}
			return nil
		},
	}
	c.Flags().StringVar(&t.Note, "note", "", "`TEXT` that tells what the token is for")
	c.Flags().StringVar(&until, "until", "", "last `DATE` on which the token holds, in UTC (default no end)")
	c.Flags().BoolVar(&t.ReadOnly, "read-only", false, "let the token change nothing")
	c.RunE = work(func(_ *cobra.Command, args []string) error {
		t.Login = args[0]
		var token string
		err := users.Edit(u.file, func(f *users.File) (err error) {
			token, err = f.AddToken(&t)
			return err
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(u.stderr, "revmap: token %s of %s, which is shown only now:\n", t.ID, t.Login)
		fmt.Fprintln(u.stdout, token)
		return nil
	})
	return c
}

func (u *userCommand) listTokens() *cobra.Command {
	return u.table("List all tokens, without what is secret in them", func(f *users.File, w io.Writer) {
		fmt.Fprintln(w, "ID\tLOGIN\tFOR\tMADE\tUNTIL\tNOTE")
		for _, t := range f.Tokens() {
			use, until := "reading and writing", "no end"
			if t.ReadOnly {
				use = "reading"
			}
			if !t.Until.IsZero() {
				until = t.Until.Format(time.DateOnly)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Login, use, t.Created.Format(time.DateOnly), until,
				cmp.Or(t.Note, "-"))
		}
	})
}

func (u *userCommand) removeToken() *cobra.Command {
	c := &cobra.Command{
		Use:   "remove ID",
		Short: "Remove a token",
		Args:  operands("ID"),
	}
	c.RunE = work(func(_ *cobra.Command, args []string) error {
		return users.Edit(u.file, func(f *users.File) error { return f.RemoveToken(args[0]) })
	})
	return c
}

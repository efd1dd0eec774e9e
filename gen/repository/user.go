package repository

import "context"

// User returns the name and address that Git has for whoever runs this program; what it does not have is empty.
func (r *Repository) User(ctx context.Context) Identity {
	name, _ := r.git(ctx, "config", "--get", "user.name")
	email, _ := r.git(ctx, "config", "--get", "user.email")
	return Identity{name, email}
}

// Package page is the Reverse Map Names page: what people see of revmap serve in a browser.
package page

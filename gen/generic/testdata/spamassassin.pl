# Says which rules of SpamAssassin fire on the names of mail clients, by SpamAssassin itself.
#
#   spamassassin.pl DIRECTORY < NAMES
#
# DIRECTORY has the rules. NAMES has a name per line. The answer to each is a line with the rules that fire if a client
# at an IPv4 address has the name as PTR and as HELO; spaces separate them.
use strict;
use warnings;
use Mail::SpamAssassin;

my ($dir) = @ARGV;
my $config = "loadplugin Mail::SpamAssassin::Plugin::Check\n"
  . "clear_trusted_networks\nclear_internal_networks\n"
  . "trusted_networks 198.51.100.0/24\ninternal_networks 198.51.100.0/24\n";
for my $file (qw(20_dynrdns.cf 20_fake_helo_tests.cf 50_scores.cf 72_active.cf)) {
    open my $rules, '<', "$dir/$file" or die "$dir/$file: $!";
    while (<$rules>) {
        next unless /^\s*(?:header|meta|score)\s+(\w+)/;
        $config .= $_ if $1 =~ /^(?:__)?(?:RDNS|HELO)_(?:DYNAMIC|STATIC|INDICATOR|LOCALHOST)|^__LAST_EXTERNAL/;
    }
}
my $assassin = Mail::SpamAssassin->new(
    { config_text => $config, local_tests_only => 1, dont_copy_prefs => 1, userstate_dir => '/nonexistent' });
$assassin->init(0);

while (my $name = <STDIN>) {
    chomp $name;
    # The receiver has a name of one label: HELO_DYNAMIC_IPADDR reads on into it, and would count its labels too.
    my $mail = $assassin->parse(
        "Received: from $name ($name [203.0.113.9]) by mx (Postfix) with ESMTP id 1;\n"
          . "\tSat, 1 Jan 2000 00:00:00 +0000\nFrom: a\@example.org\n\nx\n", 0);
    my $status = $assassin->check($mail);
    print join(' ', sort grep { !/^HELO_STATIC_HOST$/ } split /,/, $status->get_names_of_tests_hit), "\n";
    $status->finish;
    $mail->finish;
}

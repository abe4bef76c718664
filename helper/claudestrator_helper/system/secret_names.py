"""Names of files that usually hold keys or passwords, by folder, by name, and by both; all in lower case."""

import fnmatch
import functools
import os
import re

#: Everything below these is a secret or belongs to an account.
_FOLDERS = """
.ssh .gnupg .aws .azure .kube .oci .gcloud .config/gcloud .password-store .cloudflared .ngrok2 .config/ngrok .putty
.pki .snowsql .kaggle .huggingface .bluemix .minikube .terraform.d .config/op .config/doctl .config/hcloud
.config/sops .config/age .config/rclone .fly .railway .rancher .wrangler/config .helm/repository .config/gh
.config/glab-cli .config/configstore .config/netlify .config/heroku .config/stripe
"""
#: A file below these is a secret unless it is source text.
_OFTEN = "secrets secret .secrets .secret private_keys private-keys .credentials .private"
#: File names; a name with a folder in front counts only in that folder.
_NAMES = """
.env .env[.~_-]* *.env env.prod* env.dev* env.staging env.local .envrc .flaskenv .dev.vars .prod.vars *.tfvars
*.tfvars.json *.tfstate *.tfstate.* .terraformrc terraform.rc credentials.tfrc.json *.pem *.key *.p8 *.p12 *.pkcs12
*.pfx *.ppk *.jks *.jceks *.bks *.keystore *.keychain *.keychain-db *.keyring *.snk *.kdb *.kdbx *.agilekeychain
*.psafe3 *.ovpn wg[0-9].conf *.publishsettings *.age-key age/keys.txt sops/*keys.txt key.properties
keystore.properties signing.properties local.properties id_rsa* id_dsa* id_ecdsa* id_ed25519* id_xmss* *_rsa *_dsa
*_ecdsa *_ed25519 *deploy_key *deploy-key *.openssh secring.* ssh_host_*_key kubeconfig kubeconfig.* *.kubeconfig
k3s.yaml talosconfig rke2.yaml .dockercfg .dockerconfigjson .docker/config.json .mc/config.json
.config/containers/auth.json .netrc _netrc .authinfo .authinfo.* .pgpass pgpass.conf .my.cnf .mylogin.cnf .dbshell
*.htpasswd htpasswd htpasswd.* .htdigest .git-credentials .gitcredentials git-credentials .npmrc .pypirc
.gem/credentials .bundle/config .m2/settings.xml settings-security.xml .gradle/gradle.properties .composer/auth.json
.cargo/credentials .pip/pip.conf .nuget/nuget.config auth.json *credentials .credentials.* credentials.*
*[_-]credentials.* *credentials.json *credentials.csv creds creds.* *[_-]creds *[_-]creds.* accesskeys.csv
*_accesskeys.csv rootkey.csv .passwd passwd passwd.txt password.txt passwords.txt passwords.csv etc/shadow
.smbcredentials smbcredentials .vault-token vault-token *vault_pass* *vault-pass* secret secrets secret.* secrets.*
*.secret *.secrets *[._-]secret.* *[._-]secrets.* *secret_key* *secret-key* client_secret* client-secret*
*service-account*.json *service_account*.json *serviceaccount*.json *firebase-adminsdk*.json
application_default_credentials.json gcp-key*.json gcloud-key*.json gha-creds-*.json azureprofile.json
accesstokens.json msal_token_cache.* kaggle.json .databrickscfg .snowflake/config.toml .boto .s3cfg .s3curl
.passwd-s3fs .edgerc .tugboat .trc .twurlrc .gist .hub .config/hub .hex/hex.config .netlify/config.json ngrok.yml
local.settings.json .esmtprc .msmtprc msmtprc .muttrc .mutt/muttrc .mbsyncrc .offlineimaprc .fetchmailrc .mailrc
.ftpconfig ftpconfig sftp-config.json .vscode/sftp.json sftp.json .remote-sync.json .idea/webservers.xml
.idea/datasources.local.xml filezilla.xml sitemanager.xml recentservers.xml ws_ftp.ini winscp.ini proftpdpasswd
.purple/accounts.xml .irssi/config .weechat/sec.conf rclone.conf .rclone.conf .streamlit/secrets.toml robomongo.json
dbeaver-data-sources.xml .token .tokens token token.json token.txt token.pickle token.dat *.token .*token *[_-]token
*[_-]token.txt *_token.json oauth_token* oauth-token* access_token* access-token* *_access_token* refresh_token*
.api_key .apikey .api-key *api_key *apikey *api-key *api_key.txt *apikey.txt *api-key.txt .*[_-]key .openai api_key.*
apikey.* api-key.* api_keys.* apikeys.* api-keys.* private_key* private-key* privatekey* .*_history ghci_history
.rhistory .viminfo .history .zhistory .histfile fish_history consolehost_history.txt .lesshst .recon-ng/keys.db
cookies.sqlite cookies.txt logins.json key3.db key4.db signons.sqlite wallet.dat wallet.json *.wallet utc--*
mnemonic.txt seed_phrase* seed-phrase* seedphrase* solana/id.json .solana/id.json *bitwarden*export* *lastpass*export*
*.1pux .vnc/passwd jupyter_notebook_config.json jupyter_server_config.json .claude.json .rhosts
"""
#: Secrets by convention although they look like source text.
_ALWAYS = "wp-config.php localsettings.php sites/*/settings.php secret_token.rb .chef/*.rb"
_SOURCE = re.compile(
    r"\.(?:py|pyi|ipynb|js|mjs|cjs|jsx|ts|mts|cts|tsx|vue|svelte|go|rs|rb|erb|php|java|kt|kts|scala|groovy|clj|cs|fs|swift"
    r"|m|mm|c|cc|cpp|cxx|h|hh|hpp|ex|exs|erl|hs|lua|pl|pm|r|jl|dart|zig|nim|el|vim|proto|graphql|tf|nix|css|scss|sass|less"
    r"|sol|astro|razor|cshtml|vb|fsx|ml|mli|elm|cr|coffee|hbs|ejs|twig|pug|haml|slim|rego|cue|gd|sv|vhdl?|f90|pas|tcl|rkt|scm"
    r"|html?|svg|png|jpe?g|gif|webp|ico|md|mdx|rst|adoc|tex|pub|crt|enc|sealed|gitkeep|gitignore)$"
    r"|[._-](?:example|sample|template|tmpl|tpl|dist|defaults?|schema|j2)$"
    r"|(?:^|[._-])(?:example|sample|template)\.(?:env|tfvars|json|ya?ml|toml|ini|cfg|conf|properties)$"
)
#: What editors, and people in a hurry, add to a name.
_COPY = re.compile(r"(?:~|\.(?:bak|backup|old|orig|save|saved|copy|tmp|swp|swo|rej|\d+))+$")


def is_secret(path: str) -> bool:
    """Whether a file of that name usually holds keys or passwords."""
    lower = path.lower().strip("/")
    folder, name = os.path.split(lower)
    bare = _COPY.sub("", name)
    # vim's swap file of .env is .env.swp, and of server.key it is .server.key.swp.
    names = {name, bare, bare.lstrip(".")} if bare != name else {name}
    around = [f"/{folder}/{each}" for each in names]
    if any(_pattern(_ALWAYS).search(each) or _below(_FOLDERS).search(each) for each in around):
        return not name.endswith(".pub")
    if _SOURCE.search(bare):
        return False
    return any(_pattern(_NAMES).search(each) or _below(_OFTEN).search(each) for each in around)


@functools.cache
def _pattern(names: str) -> re.Pattern[str]:
    """Matches a path that begins with a slash and ends in one of the names."""
    return re.compile("|".join(rf"/{_translated(name)}\Z" for name in names.split()))


@functools.cache
def _below(folders: str) -> re.Pattern[str]:
    return re.compile("|".join(f"/{re.escape(name)}/" for name in folders.split()))


def _translated(name: str) -> str:
    # As in a path, a star matches no slash.
    return re.sub(r"(?<!\\)\.\*", "[^/]*", fnmatch.translate(name)[4:-3])

"""What a loop's commit leaves out because it is a secret: by folder, by name, by what is in it, by what a tool finds."""

import base64
import json
import os
import stat
import sys
import time
from pathlib import Path

import pytest
from claudestrator_helper.system import git, secret_names, secret_scanners
from repositories import Repository, empty, identity, repo

__all__ = ["empty", "identity", "repo"]


def names(table: str) -> list[str]:
    return table.split()


SECRETS = names("""
.env .env.local .env.production .env.staging .env.test .env~ .env-prod .env_prod .env.bak .env.1 .env.old config/.ENV
prod.env docker/local.env .envrc .flaskenv .dev.vars
terraform.tfvars prod.auto.tfvars prod.tfvars.json terraform.tfstate terraform.tfstate.backup terraform.tfstate.d/x.tfstate
.terraformrc terraform.rc .terraform.d/credentials.tfrc.json
.kube/config .kube/cache/token kubeconfig kubeconfig.yaml prod.kubeconfig k3s.yaml talosconfig
.docker/config.json home/.docker/config.json .dockercfg .dockerconfigjson
.ssh/id_rsa .ssh/config .ssh/known_hosts .ssh/anything deploy/.ssh/authorized_keys
.gnupg/secring.gpg .gnupg/private-keys-v1.d/x.key .gnupg/trustdb.gpg secring.gpg
.aws/credentials .aws/config .azure/accessTokens.json azureProfile.json .config/gcloud/credentials.db
.config/gh/hosts.yml .config/hub .config/rclone/rclone.conf rclone.conf .oci/config .boto .s3cfg .s3curl .edgerc
application_default_credentials.json service_account.json service-account.json my-service-account-1.json
serviceAccountKey.json app-firebase-adminsdk-x1-ab.json gcp-key.json gha-creds-0a1b.json client_secret.json
client_secret_1.apps.googleusercontent.com.json client_secrets.json credentials credentials.json aws-credentials.json
credentials.csv rootkey.csv alice_accessKeys.csv kaggle.json .databrickscfg .publishsettings prod.publishsettings
server.pem tls.key server.key.bak server.key~ .server.key.swp AuthKey_AB12.p8 store.p12 store.pfx putty.ppk store.jks
release.keystore login.keychain-db passwords.kdbx old.kdb client.ovpn wg0.conf app.snk config/master.key
id_rsa id_dsa id_ecdsa id_ed25519 id_rsa.old id_ecdsa_sk deploy/id_rsa deploy_rsa github_ed25519 deploy_key deploy-key
ssh_host_rsa_key keys/age/keys.txt
.netrc _netrc .authinfo .pgpass pgpass.conf .my.cnf .mylogin.cnf .htpasswd htpasswd .git-credentials .npmrc .pypirc
.gem/credentials .m2/settings.xml settings-security.xml .gradle/gradle.properties auth.json .composer/auth.json
.cargo/credentials .cargo/credentials.toml .credentials .claude/.credentials.json .claude.json .codex/auth.json
.bundle/config .vault-token .vault_pass .vault_pass.txt vault_pass.txt vault-password .smbcredentials passwords.txt
.secrets .secret secret.yaml secret.yml secret.json secrets.yaml secrets.toml secrets.json secrets.env db-secret.yaml
app.secrets.yml .streamlit/secrets.toml secrets/db secrets/prod.yaml deploy/secrets/token .secrets/x.json
config/secrets/prod.json private_keys/x .credentials/token.json token token.json .token api_key api_key.txt .apikey
access_token.txt oauth_token private_key.txt
.bash_history .zsh_history .sh_history .python_history .node_repl_history .psql_history .mysql_history .sqlite_history
.rediscli_history .irb_history .history .zhistory .lesshst fish_history ConsoleHost_history.txt
.ftpconfig sftp-config.json .vscode/sftp.json filezilla.xml sitemanager.xml recentservers.xml WinSCP.ini
.idea/dataSources.local.xml .purple/accounts.xml .msmtprc .muttrc .fetchmailrc .rhosts .pki/nssdb/key4.db
creds.json gcp-creds.json aws_creds .aws-credentials aws.credentials prod_credentials.yml env.production local.settings.json
android/key.properties local.properties users.htpasswd .vnc/passwd ansible-vault-pass.txt vault-token config/secrets
app.secret.json appsettings.secrets.json prod-secrets.toml stripe-secret-key secret_key_base django_secret_key.txt
slack_token.txt gmail_token.json .gitlab-token .openai_key openai_api_key.txt .gemini/oauth_creds.json ngrok.yml
.fly/config.yml .rancher/cli2.json .viminfo seed_phrase.txt bitwarden_export_2024.json .solana/id.json LocalSettings.php
sites/default/settings.php .mbsyncrc .ghci_history
.password-store/mail.gpg cookies.sqlite cookies.txt logins.json key4.db wallet.dat mnemonic.txt solana/id.json
jupyter_notebook_config.json .snowsql/config .huggingface/token .cloudflared/cert.json wp-config.php
config/initializers/secret_token.rb etc/shadow
""")
ORDINARY = names("""
src/secret_santa.py docs/keys.md tests/test_auth.py package.json package-lock.json auth.py auth.ts token.go tokens.css
tokens.json secrets.py secrets.tf secrets.go src/secrets/manager.py src/secrets/index.ts docs/secrets/README.md
src/credentials/store.rs app/Credentials.php .env.example .env.sample .env.template .env.dist .env.schema .env.d.ts
example.env secrets.example.yaml secrets.yaml.example terraform.example.tfvars terraform.tfvars.example environment.ts
env.py monkey.txt keyboard.c keys.go key.rs id_rsa.pub deploy_ed25519.pub server.crt main.tf variables.tf kube.yaml
.docker/Dockerfile docker/config.json config.json settings.xml gradle.properties history.md HISTORY CHANGELOG.md
password_reset.html passwords.py shadow.css access_token.py api_key.rb credentials.yml.enc config/database.yml config
hub gist .github/workflows/token.yml .gitignore .dockerignore .editorconfig .gitlab-ci.yml LICENSE Makefile
requirements.txt pyproject.toml Cargo.toml tsconfig.json notebook.ipynb data.csv users.json hosts.yml settings.json
contracts/Token.sol src/secret.sol src/secret.astro Secrets.razor secrets.rego design-tokens.json special_tokens_map.json
settings.php environment.yml .yarnrc.yml seed.txt answer_key.txt order_history.csv
.claude/settings.json .claude/task_queue.md .idea/modules.xml .vscode/settings.json private.py
""")


@pytest.mark.parametrize("path", SECRETS)
def test_a_well_known_name_is_a_secret(path: str) -> None:
    assert secret_names.is_secret(path)


@pytest.mark.parametrize("path", ORDINARY)
def test_an_ordinary_file_is_none(path: str) -> None:
    assert not secret_names.is_secret(path)


def test_secrets_are_left_out_and_named_and_ordinary_files_are_committed(repo: Repository) -> None:
    # A name that is another one's folder can't be there as well.
    secrets = [path for path in SECRETS if not any(other.startswith(f"{path}/") for other in SECRETS)]
    ordinary = [path for path in ORDINARY if not any(path == at for at in ("config", "hub", ".gitignore"))]
    for path in [*secrets, *ordinary]:
        repo.write(path, "TOKEN=1\n")
    assert repo.loop().left == dict.fromkeys(secrets, "it looks like a secret")
    assert repo.committed() == dict.fromkeys(ordinary, "A")


BODY = "MIIEowIBAAKCAQEAx2"
HELD: dict[str, str | bytes] = {
    "rsa": f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n-----END RSA PRIVATE KEY-----\n",
    "pkcs8": f"-----BEGIN PRIVATE KEY-----\r\n{BODY}\r\n",
    "encrypted": f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB12\n\n{BODY}\n",
    "openssh": f"x = '''-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}\n'''",
    "json": json.dumps({"private_key": f"-----BEGIN PRIVATE KEY-----\n{BODY}\n"}),
    "indented": f"key: |\n    -----BEGIN EC PRIVATE KEY-----\n    {BODY}\n",
    "pgp": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\n{BODY}\n",
    "string literals": f'KEY = "-----BEGIN RSA PRIVATE KEY-----\\n" +\n    "{BODY}"\n',
    "one line": f"KEY=-----BEGIN PRIVATE KEY-----{BODY}-----END PRIVATE KEY-----\n",
    "base 64": f"client-key-data: {base64.b64encode(f'-----BEGIN RSA PRIVATE KEY-----{BODY}'.encode()).decode()}\n",
    "base 64 of OpenSSH": base64.b64encode(b"-----BEGIN OPENSSH PRIVATE KEY-----"),
    "base 64 of PKCS 8": base64.b64encode(b"-----BEGIN PRIVATE KEY-----"),
    "wireguard": "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n",
    "putty": "PuTTY-User-Key-File-2: ssh-rsa\n",
    "age": "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQ\n",
    "UTF-16": f"-----BEGIN PRIVATE KEY-----\r\n{BODY}\r\n".encode("utf-16"),
    "after a megabyte": "x" * 1_000_000 + f"\n-----BEGIN PRIVATE KEY-----\n{BODY}\n",
}
ONLY_TOLD = {
    "a header": 'if line == "-----BEGIN RSA PRIVATE KEY-----":\n    return\n',
    "a document": "It begins with `-----BEGIN PRIVATE KEY-----`.\n\n    -----BEGIN PRIVATE KEY-----\n    ...\n",
    "a public key": f"-----BEGIN PUBLIC KEY-----\n{BODY}\n",
    "a list of headers": '["-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----", "description"]\n',
    "a public key in base 64": base64.b64encode(f"-----BEGIN PUBLIC KEY-----\n{BODY}".encode()).decode(),
    "a certificate": f"-----BEGIN CERTIFICATE-----\n{BODY}\n",
}


def test_a_private_key_is_found_in_whatever_file_it_is(repo: Repository) -> None:
    for name, text in {**HELD, **ONLY_TOLD}.items():
        repo.write(f"{name}.txt", text)
    assert repo.loop().left == {f"{name}.txt": secret_scanners.KEY for name in HELD}
    assert repo.committed() == {f"{name}.txt": "A" for name in ONLY_TOLD}


@pytest.mark.parametrize(
    ("begin", "more"), [("\n", "a:  "), ("\n", "a: \n"), ("", "-----BEGIN PRIVATE KEY-----\na: "), ("", " \n")]
)
def test_looking_for_keys_takes_no_longer_than_the_file_is(tmp_path: Path, begin: str, more: str) -> None:
    (tmp_path / "x").write_text(f"-----BEGIN PRIVATE KEY-----{begin}{more * (1_900_000 // len(more))}!")
    began = time.process_time()
    assert secret_scanners.findings(str(tmp_path), ["x"]) == {}
    assert time.process_time() - began < 2


def test_looking_for_keys_follows_no_link_waits_for_no_pipe_and_reads_no_more_than_it_may(repo: Repository) -> None:
    repo.write("big.bin", b"-----BEGIN " * 2_000_000)
    (repo.root / "link").symlink_to("/dev/zero")
    os.mkfifo(repo.root / "pipe")
    began = time.monotonic()
    assert repo.loop().commit
    assert time.monotonic() - began < 10
    assert repo.committed() == {"big.bin": "A", "link": "A"}


def tool(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def bins(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the front of PATH, which holds none of the tools otherwise."""
    folder = tmp_path_factory.mktemp("bin")
    others = [
        at for at in os.environ["PATH"].split(os.pathsep) if not os.path.exists(os.path.join(at, "detect-secrets"))
    ]
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), *others]))
    return folder


#: As gitleaks 8 does: writes its report, and ends with what it was told to.
GITLEAKS = """
while [ $# -gt 0 ]; do case $1 in --report-path) report=$2;; --source) source=$2;; esac; shift; done
found=$(grep -rl AKIA "$source" | sed 's|.*|{"File": "&", "RuleID": "aws-access-token"}|' | paste -sd, -)
echo "[$found]" > "$report"
"""


def test_what_gitleaks_finds_is_left_out_and_named(repo: Repository, bins: Path) -> None:
    tool(bins, "gitleaks", GITLEAKS)
    repo.write("src/a b.py", "KEY = 'AKIAQWERTYUIOPASDFGH'\n")
    repo.write("src/c.py")
    assert repo.loop().left == {"src/a b.py": "gitleaks finds a secret in it: aws-access-token"}
    assert repo.committed() == {"src/c.py": "A"}


def test_what_the_real_detect_secrets_finds_is_left_out_and_what_only_looks_random_is_not(
    repo: Repository, bins: Path
) -> None:
    real = Path(sys.executable).parent / "detect-secrets"
    tool(bins, "detect-secrets", f'exec {real} "$@"')
    repo.write("src/aws.py", "KEY = 'AKIAQWERTYUIOPASDFGH'\n")
    repo.write("src/test_login.py", "password = 'hunter2'\nsha = '0123456789abcdef0123456789abcdef01234567'\n")
    # What could be taken for a repository, and its configuration for git's.
    for name in ("HEAD", "objects/x", "refs/x", "config"):
        repo.write(name, "[core]\n\tfsmonitor = touch pwned\n")
    assert repo.loop().left == {"src/aws.py": "detect-secrets finds a secret in it: AWS Access Key"}
    assert "src/test_login.py" in repo.committed()


@pytest.mark.parametrize(
    ("name", "script", "why"),
    [
        ("gitleaks", "echo 'unknown flag' >&2; exit 1", "gitleaks could not check it (unknown flag)"),
        ("gitleaks", "exit 0", "gitleaks could not check it (its report can't be read)"),
        ("gitleaks", "sleep 60", "gitleaks could not check it (gitleaks took longer than 0.5 s)"),
        ("detect-secrets", "echo '[]'", "detect-secrets could not check it (its report can't be read)"),
        ("detect-secrets", "exit 3", "detect-secrets could not check it (detect-secrets failed without a word)"),
    ],
)
def test_a_tool_that_fails_is_no_pass(
    repo: Repository, bins: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str, why: str
) -> None:
    monkeypatch.setattr(secret_scanners, "TIMEOUT", 0.5)
    tool(bins, name, script)
    repo.write("new.txt")
    head = repo.head()
    result = repo.loop()
    assert result == git.Result(why=f"{why}: repair {name}, or take it off PATH")
    assert (repo.head(), repo.status()) == (head, "?? new.txt\n")


@pytest.mark.parametrize("way", ["in the project", "by a link", "a relative folder"])
def test_a_tool_of_the_projects_own_is_not_used(
    repo: Repository, bins: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    own = tool(repo.root / ".venv/bin", "gitleaks", "touch pwned; exit 1")
    repo.write(".gitignore", ".venv\n")
    folder = {"in the project": str(own.parent), "by a link": str(bins), "a relative folder": ".venv/bin"}[way]
    if way == "by a link":
        (bins / "gitleaks").symlink_to(own)
    monkeypatch.chdir(repo.root)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert repo.loop().commit
    assert not (repo.root / "pwned").exists()

"""`cpescript tls`: files for a lab, and mistakes that are told."""

import ssl

import pytest


def test_a_ca_and_what_it_signs(cpescript, tmp_path):
    lab = str(tmp_path / "lab")
    assert cpescript("tls", "new-ca", lab)[:2] == (0, f"{lab}/ca.pem\n")
    status, out, _ = cpescript("tls", "client", lab, "HG1", "HG2", "--days", "3")
    assert (status, out) == (0, f"{lab}/HG1.pem\n{lab}/HG2.pem\n")
    assert cpescript("tls", "server", lab, "acs.lab.example", "192.0.2.7")[:2] == (0, f"{lab}/acs.lab.example.pem\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{lab}/acs.lab.example.pem")
    context.load_verify_locations(f"{lab}/ca.pem")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("new-ca", "."), "has a CA already"),
        (("client", "nowhere", "HG1"), "has no test CA"),
        (("client", ".", "../HG1"), "is no name for a certificate"),
        (("server", ".", "ümlaut.example"), "is no host name"),
    ],
)
def test_what_cannot_be_made_is_told(cpescript, tmp_path, monkeypatch, words, why):
    monkeypatch.chdir(tmp_path)
    assert cpescript("tls", "new-ca", ".")[0] == 0
    status, _, err = cpescript("tls", *words)
    assert status == 2
    assert why in err


def test_without_cryptography_the_extra_is_named(cpescript, tmp_path, monkeypatch):
    monkeypatch.setattr("cpescript.transport.authority.MISSING", "pip install 'cpescript[tls]'")
    status, _, err = cpescript("tls", "new-ca", str(tmp_path / "x"))
    assert (status, err) == (2, "error: pip install 'cpescript[tls]'\n")


def test_a_key_without_a_certificate(cpescript, tmp_path):
    (tmp_path / "key.pem").write_text("x")
    status, _, err = cpescript("acs", "serve", "--tls-key", str(tmp_path / "key.pem"))
    assert status == 2
    assert "go with --tls-cert" in err
    status, _, err = cpescript("acs", "serve", "--tls-cert", str(tmp_path / "key.pem"))
    assert status == 2
    assert "key.pem" in err

"""The words people read, one file a language, for whoever knows the law and the language but no code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

LANGUAGES = ("nl", "en", "fr", "de")


@dataclass(frozen=True, slots=True)
class Texts:
    """One language's words; which names a sentence may have in it, {controller} and others, its file says."""

    because_consent: str
    because_customer: str
    because_other: str
    unsubscribe: str
    profiled: str
    privacy_policy: str
    labelled: str
    page_title: str
    page_about: str
    page_about_category: str
    page_about_marketing: str
    page_about_profiling: str
    page_button_category: str
    page_button_marketing: str
    page_button_profiling: str
    page_done_title: str
    page_done_category: str
    page_done_marketing: str
    page_done_profiling: str
    page_recorded_at: str
    page_retry: str
    page_not_found_title: str
    page_not_found_text: str
    page_nowhere_title: str
    page_nowhere_text: str
    page_refused_title: str
    page_refused_text: str
    page_unavailable_title: str
    page_unavailable_text: str
    page_contact: str
    page_officer: str
    page_this_sender: str
    page_this_mail: str
    page_to: str
    page_choose: str
    page_undo_title: str
    page_undo: str
    page_undo_mail: str
    page_button_undo: str
    page_undone_title: str
    page_undone: str
    page_mailed_title: str
    page_mailed: str
    page_unmailed_title: str
    page_unmailed: str
    page_late_title: str
    page_late: str
    choose_title: str
    choose_about: str
    choose_on: str
    choose_off: str
    choose_start: str
    choose_start_how: str
    choose_elsewhere: str
    choose_unchanged: str
    choose_not_mailed: str
    why_title: str
    why_message: str
    why_consent: str
    why_purchase: str
    why_source: str
    why_erased: str
    why_gone: str
    receipt_subject: str
    receipt_channel: str
    receipt_why: str
    consent_wording: str
    consent_advertising: str
    consent_personalised: str
    consent_profiled: str
    confirm_subject_consent: str
    confirm_subject_objection: str
    confirm_mail_consent: str
    confirm_mail_objection: str
    confirm_mail_link: str
    confirm_mail_ignore: str
    confirm_title_consent: str
    confirm_title_objection: str
    confirm_about_consent: str
    confirm_button_consent: str
    confirm_done_consent: str
    confirm_later: str
    confirm_refused_title: str
    confirm_refused: str
    form_address: str
    form_address_fault: str
    form_sent_title: str
    form_too_often_title: str
    form_too_often: str
    object_title: str
    object_about: str
    object_about_at_once: str
    object_button: str
    object_sent: str
    object_done: str
    object_choose: str
    object_nobody: str
    signup_title: str
    signup_about: str
    signup_button: str
    signup_nothing_ticked: str
    signup_sent: str
    dossier_title: str
    dossier_about: str
    dossier_hash: str
    dossier_made: str
    dossier_nothing: str
    dossier_responsible: str
    dossier_postal_address: str
    dossier_on_behalf_of: str
    dossier_law: str
    dossier_rights: str
    dossier_now: str
    dossier_evidence: str
    dossier_refusals: str
    dossier_decisions: str
    dossier_acts: str
    dossier_terms: str
    dossier_none: str
    dossier_erased: str
    dossier_when: str
    dossier_recorded: str
    dossier_kind: str
    dossier_details: str
    dossier_category: str
    dossier_decision: str
    dossier_why: str
    dossier_send: str
    dossier_withhold: str
    dossier_fate: str
    dossier_relayed: str
    dossier_refused: str
    dossier_deferred: str
    dossier_unknown: str
    dossier_withheld: str
    dossier_class: str
    dossier_rows: str
    dossier_least: str
    dossier_most: str
    dossier_no_term: str
    dossier_refusals_stay: str

    def __hash__(self) -> int:
        """One word tells the languages apart; notices are looked up by their words for each copy."""
        return hash(self.unsubscribe)


@cache
def texts(language: str) -> Texts:
    """The words of one of LANGUAGES."""
    return Texts(**tomllib.loads((files(__package__) / f"{language}.toml").read_text("utf-8")))

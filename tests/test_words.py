"""What buttons and messages mean, in other languages than English."""

from __future__ import annotations

import pytest

from agent import words
from agent.words import Meaning, share

BUTTONS: tuple[Meaning, ...] = ("confirm", "reload", "skip", "open", "other")
VERDICTS: tuple[Meaning, ...] = ("blocked", "expired", "rejected", "next_round", "accepted")

# Of each language: confirm, reload, skip, open, other.
SAID_BY_BUTTONS = {
    "de": ["Bestätigen", "Neue Bilder", "Überspringen", "Ich bin kein Roboter", "Abbrechen"],
    "fr": ["VERIFIER", "Nouvelles images", "Passer", "Je ne suis pas un robot", "Annuler"],
    "es": ["Verificar", "Recargar", "Omitir", "No soy un robot", "Cancelar"],
    "it": ["Conferma", "Nuove immagini", "Salta", "Non sono un robot", "Annulla"],
    "pt": ["Verificar", "Novas imagens", "Pular", "Não sou um robô", "Cancelar"],
    "nl": ["Controleren", "Nieuwe afbeeldingen", "Overslaan", "Ik ben geen robot", "Annuleren"],
    "pl": ["Zatwierdź", "Nowe obrazki", "Pomiń", "Nie jestem robotem", "Anuluj"],
    "tr": ["DOĞRULA", "Yeni resimler", "Atla", "Ben robot değilim", "İptal"],
    "ru": ["Подтвердить", "Обновить", "Пропустить", "Я не робот", "Отмена"],
    "ja": ["確認する", "別の画像", "スキップ", "私はロボットではありません", "キャンセル"],
    "ko": ["확인하기", "새 이미지", "건너뛰기", "로봇이 아닙니다", "취소"],
    "zh": ["提交", "换一组图片", "跳过", "我不是机器人", "关闭"],
}

# Of each language: blocked, expired, rejected, another round, accepted.
SAID_AFTERWARDS = {
    "de": [
        "Zu viele Versuche. Bitte versuchen Sie es später erneut.", "Die Aufgabe ist abgelaufen.",
        "Das war leider falsch.", "Fast geschafft, noch eine Runde.", "Überprüfung erfolgreich!",
    ],
    "fr": [
        "Trop de tentatives, réessayez plus tard.", "Le captcha a expiré.",
        "Réponse incorrecte, veuillez réessayer.", "Étape suivante", "Vérification réussie",
    ],
    "es": [
        "Demasiados intentos. Inténtalo más tarde.", "El captcha ha caducado.",
        "Respuesta incorrecta, inténtalo de nuevo.", "Ya casi: una vez más", "Verificado con éxito",
    ],
    "it": [
        "Troppi tentativi, riprova più tardi.", "Il captcha è scaduto.",
        "Risposta errata, riprova.", "Ancora una volta", "Verifica completata",
    ],
    "pt": [
        "Muitas tentativas. Tente novamente mais tarde.", "O captcha expirou.",
        "Resposta incorreta. Tente novamente.", "Quase lá, mais uma vez", "Verificado com sucesso",
    ],
    "nl": [
        "Te veel pogingen. Probeer het later opnieuw.", "De captcha is verlopen.",
        "Onjuist. Probeer het opnieuw.", "Bijna klaar, volgende ronde", "Gelukt, bedankt!",
    ],
    "pl": [
        "Zbyt wiele prób. Spróbuj ponownie później.", "Zadanie wygasło.",
        "Nieprawidłowa odpowiedź, spróbuj ponownie.", "Kolejne zadanie", "Zweryfikowano pomyślnie",
    ],
    "tr": [
        "Çok fazla deneme. Daha sonra tekrar deneyin.", "Sorunun süresi doldu.",
        "Yanlış cevap, tekrar deneyin.", "Neredeyse bitti", "Doğrulama başarılı",
    ],
    "ru": [
        "Слишком много попыток, попробуйте позже.", "Время вышло.",
        "Неверно. Попробуйте ещё раз.", "Следующее задание", "Проверка пройдена",
    ],
    "ja": [
        "試行回数が多すぎます。後でもう一度お試しください。", "有効期限が切れました。",
        "不正解です。もう一度お試しください。", "次の問題", "認証に成功しました",
    ],
    "ko": [
        "시도 횟수가 너무 많습니다.", "시간이 초과되었습니다.",
        "틀렸습니다. 다시 시도하세요.", "다음 라운드", "인증되었습니다",
    ],
    "zh": [
        "尝试次数太多,请稍后再试。", "验证码已过期", "答案不正确,请重试。", "下一轮", "验证成功",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "meaning"),
    [pair for said in SAID_BY_BUTTONS.values() for pair in zip(said, BUTTONS, strict=True)],
)
def test_buttons(text: str, meaning: Meaning) -> None:
    """A button's words say most of what it is for."""
    shares = {other: share(text, other) for other in BUTTONS}
    assert max(shares, key=lambda other: shares[other]) == meaning
    assert shares[meaning] > 0.5


@pytest.mark.parametrize(
    ("text", "verdict"),
    [pair for said in SAID_AFTERWARDS.values() for pair in zip(said, VERDICTS, strict=True)],
)
def test_messages(text: str, verdict: Meaning) -> None:
    """Of the verdicts in the order of their weight, the first that a message has is meant."""
    assert next((other for other in VERDICTS if share(text, other)), None) == verdict


@pytest.mark.parametrize(
    "text",
    ["Wird geladen …", "Chargement en cours", "Cargando", "Caricamento", "Carregando",
     "Even geduld", "Ładowanie", "Yükleniyor", "Загрузка", "読み込み中", "로딩 중", "加载中"],
)  # fmt: skip
def test_loading(text: str) -> None:
    """What is not there yet says so."""
    assert share(text, "loading") > 0.5


@pytest.mark.parametrize(
    "text", ["不正确", "沒有成功", "未通过验证", "nicht bestätigt", "non corretto", "неверно"]
)
def test_a_no_is_no_yes(text: str) -> None:
    """A word that is denied weighs less than its denial."""
    assert share(text, "accepted") < share(text, "rejected")


def test_no_phrase_means_two_things() -> None:
    """A phrase has one meaning, in whichever language; that a page means a captcha goes along."""
    meanings: dict[str, set[str]] = {}
    for meaning, phrases in words.phrases_of_meanings().items():
        for phrase in phrases:
            meanings.setdefault(phrase.lower(), set()).add(meaning)
    twice = {phrase: found for phrase, found in meanings.items() if len(found - {"human"}) > 1}
    assert twice == {}

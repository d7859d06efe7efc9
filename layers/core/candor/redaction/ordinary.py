"""Ordinary words: what follows "password is" and is none, but describes it or goes on with the sentence."""

from typing import Final

_LISTED: Final = """
incorrect wrong invalid expired required not lost forgotten reset set the a an my correct right empty too
still never always being changed unknown case sent stored saved encrypted hashed missing blocked ok okay
fine good weak strong what where why how when who needed optional asked visible hidden plain protected
correctly rejected accepted no yes to in on at for and or but if it this that these from with by as be been
only also just now then here there his her our your their its any all some same different new old generated
rotated compromised leaked secure insecure short long valid working broken refused denied disabled enabled
locked unlocked mandatory shown entered typed used unused known public private confidential secret safe
unsafe random unique shared common default temporary permanent blank included provided available unavailable
below above see must should can cannot may might will would has had have does did do is was are were
case-sensitive sensitive authentication manager policy protection field form page link login username user
email e-mail address account change changes update updating recovery prompt hint mismatch strength length
minimum maximum characters lowercase uppercase exactly least more less than between something anything
nothing everything after before during until since while because unless once twice again soon later today
tomorrow yesterday exposed managed mailed emailed texted delivered attached written printed kept needed.
recognised recognized supported neither either both none unchanged identical already actually probably
definitely really very quite simply through via over under inside outside within without about against
access failed fails error

неверный неправильный неверен неправильно неверно забыт утерян устарел истёк истек не нет да нужен нужно
обязателен изменён изменен сброшен указан отправлен выслан скрыт пустой верный правильный слабый простой
сложный старый новый был была будет должен должна можно нельзя этот тот который как где что чтобы когда если
для от на по из при или и подходит подошёл подошел работает указан указывается хранится передан секретный
временный одноразовый доступен совпадает совпадают приходит пришёл пришел восстановление сменить изменить
сбросить восстановить ввести забыл забыла минимум максимум обязательно ниже выше см. только тоже уже ещё еще
всегда никогда опять снова я мы вы он она они это невірний неправильний невірно забутий втрачено змінено
скинуто надіслано потрібен обов'язковий немає ні так застарів підходить працює зберігається повинен має
можна цей той який як де що щоб коли якщо старий новий простий слабкий складний тимчасовий прихований
відсутній вказано вказується нижче вище лише тільки вже ще знову завжди ніколи

falsch ungültig vergessen verloren abgelaufen nicht kein keine ein eine einen der die das dem den mein meine
ihr ihre dein richtig korrekt leer zu noch immer nie schon bereits geändert zurückgesetzt gesperrt notwendig
nötig erforderlich pflicht sicher unsicher schwach stark kurz lang neu alt verschlüsselt gespeichert
versteckt sichtbar geheim was wo warum wie wann wer und oder für mit ohne auf bei nach vor aus von im in am
an per siehe unten oben mindestens maximal temporär vorläufig verschickt gesendet identisch unbekannt
bekannt gleich gültig zwingend optional

incorrecta incorrecto inválida inválido caducada caducado vencida olvidada perdida correcta válida vacía
débil fuerte segura obligatoria necesaria no sí una un el la los las mi tu su de para por con sin en al del
que como donde cuando muy demasiado siempre nunca nueva vieja temporal cambiada enviada guardada cifrada
errónea equivocada distinta incorrect incorrecte invalide expiré oublié perdu obligatoire requis trop pas le
les des du une mon votre notre temporaire faible fort chiffré envoyé modifié changé nécessaire toujours
jamais erroné vide vidé nieprawidłowe błędne niepoprawne wygasło wymagane nie jest zapomniane zmienione
silne słabe sai sao errata scaduta sbagliata obbligatoria onjuist verlopen vergeten vereist yanlış geçersiz
unutuldum
"""

ORDINARY: Final = frozenset(_LISTED.split())

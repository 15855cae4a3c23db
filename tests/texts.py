"""Fifty texts in ten languages: short and long, with figures, quotations, brackets and dashes."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "en": (
        "Good morning, everybody. The lecture on captions begins in five minutes, so please be seated; latecomers may listen from the hall! Any questions? None. Thank you so very much.",
        "Dr. Smith paid $20 for 3 tickets at 9:30 a.m. — more than he had planned to spend.",
        "“Wait,” she said (rather quietly), “isn’t that the well-known house on St. James Street?”",
        "In 1999 the town had 12,500 inhabitants, 45% of whom worked at the harbour. Today, it has fewer than 8,000. Nobody knows where the others went, and hardly anybody has asked.",
        "No.",
    ),
    "de": (
        "Donaudampfschifffahrtsgesellschaftskapitänsmützen sind selten, sagt „Herr Müller“. Trotzdem gibt es sie noch, in einem kleinen Museum am Rande der Stadt.",
        "Am 3. Mai um 14 Uhr kommt der Zug aus Köln an, vermutlich mit Verspätung.",
        "Wer nicht fragt, bleibt dumm: Das weiß jedes Kind – auch wenn es selten danach handelt.",
        "Ich hätte gerne zwei Brötchen, bitte! Macht das 1,50 Euro?",
        "Übermorgen größere Schäden; „höchste Zeit“, meinte der Bürgermeister, „dass etwas geschieht, sonst müssen wir die Straße für den Verkehr sperren.“",
    ),
    "fr": (
        "« Bonjour ! » dit-elle, puis elle s’assit près de la fenêtre. Qui l’aurait cru ?",
        "L’été dernier, nous avons visité trente-six villages, tous plus beaux les uns que les autres.",
        "Le billet coûte 12 € ; les enfants de moins de 4 ans ne paient pas.",
        "Peut-être viendra-t-il demain… ou jamais. C’est ce qu’on m’a dit, du moins.",
        "Œuvre après œuvre, le peintre cherchait une lumière qu’il n’avait vue qu’une fois, enfant, dans la cuisine de sa grand-mère, un matin d’hiver.",
    ),
    "es": (
        "¿Cómo estás? ¡Muy bien, gracias! Hoy vamos a leer un cuento bastante largo, en voz alta.",
        "El señor Núñez vive en la calle 23, número 7, desde 1985.",
        "Mañana iremos al mercado; compraremos pan, queso, aceitunas y, si queda dinero, un helado.",
        "—¿Quién llama? —preguntó la niña—. Nadie contestó.",
        "Érase una vez un pueblo tan pequeño que, cuando llovía, todos los vecinos cabían debajo de un solo paraguas, y aún sobraba sitio para el perro.",
    ),
    "ru": (
        "Доброе утро. Сегодня мы поговорим о субтитрах, их длине и о том, как быстро их читают.",
        "— Куда вы идёте? — спросил он. — Домой, — ответила она.",
        "Поезд № 16 прибывает на второй путь; стоянка — десять минут.",
        "«Всё хорошо», сказала бабушка, хотя хорошо не было.",
        "Когда снег наконец растаял, мы увидели, что дорога, по которой мы ходили всю зиму, вела совсем не туда, куда мы думали.",
    ),
    "ar": (
        "صباح الخير، كيف حالك؟ أنا بخير والحمد لله. سنقرأ اليوم قصة طويلة بصوت عال.",
        "مَرْحَبًا بِكُم فِي الدَّرْسِ الأَوَّل.",
        "سافر أحمد إلى القاهرة في الصباح؛ ثم عاد في المساء متعبا.",
        "هل تحب القهوة أم الشاي؟ أحب القهوة!",
        "كان يا ما كان في قديم الزمان رجل فقير يعيش في بيت صغير قرب البحر، وكان يصطاد السمك كل يوم ويبيعه في السوق.",
    ),
    "he": (
        "בוקר טוב, מה שלומך? הכול בסדר, תודה. היום נקרא סיפור ארוך בקול רם.",
        "שָׁלוֹם לְכֻלָּם.",
        "הרכבת יוצאת בשעה שמונה; אל תאחרו!",
        "״אני לא יודעת״, אמרה הילדה, ״אבל אשאל את אמא״.",
        "פעם אחת, בעיר קטנה על שפת הים, גר איש זקן שהכיר את כל הציפורים בשמותיהן ודיבר איתן כל בוקר.",
    ),
    "hi": (
        "नमस्ते, आप कैसे हैं? मैं ठीक हूँ। आज हम एक लंबी कहानी पढ़ेंगे।",
        "यह किताब बहुत अच्छी है।",
        "बच्चे मैदान में खेल रहे थे; तभी बारिश शुरू हो गई।",
        "“रुको,” उसने कहा, “मैं भी चलूँगी!”",
        "एक समय की बात है, एक छोटे से गाँव में एक किसान रहता था, जो हर सुबह सूरज निकलने से पहले अपने खेत में काम करने जाता था।",
    ),
    "ja": (
        "おはようございます。今日は字幕の長さと、それを読む速さについて話します。質問はありますか？",
        "東京は大きいです。",
        "「ちょっと待って」と彼女は言った。",
        "コーヒーとケーキを一つずつ、お願いします！",
        "昔々、あるところに、おじいさんとおばあさんが住んでいました。おじいさんは山へ、おばあさんは川へ行きました。",
    ),
    "zh": (
        "早上好，大家请坐。今天我们要讲字幕的长度，以及人们阅读字幕的速度，有问题吗？谢谢。",
        "我不知道。",
        "“你去哪儿？”他问。“回家。”她说。",
        "这本书很有意思；我已经看了两遍！",
        "从前有一座山，山上有一座庙，庙里有一个老和尚，他每天给小和尚讲一个很长很长的故事，一直讲到太阳下山。",
    ),
}

"use strict";
// Asks for the page again and takes over what has changed, so that whoever reads
// it keeps their place.
(() => {
	const every = 5000;
	const note = document.getElementById("note");
	const button = document.getElementById("pause");
	let paused = false, timer = 0;

	// Style and script are here; those of the answer have another nonce.
	const parse = (text) => new DOMParser().parseFromString(
	    text.replace(/<(style|script)[^]*?<\/\1>/g, ""), "text/html");

	const take = (fresh) => {
		for (const now of document.querySelectorAll(".live")) {
			const then = fresh.getElementById(now.id);

			if (then !== null && then.innerHTML !== now.innerHTML)
				now.replaceChildren(...then.childNodes);
		}
		document.title = fresh.title;
	};

	const ask = async () => {
		try {
			const answer = await fetch(location.pathname,
			    { cache: "no-store", signal: AbortSignal.timeout(20000) });

			if (!answer.ok)
				throw new Error(answer.status);
			take(parse(await answer.text()));
			note.textContent = "";
		} catch (error) {
			note.textContent = "No answer; what is here is old.";
		}
		later();
	};

	const later = () => {
		clearTimeout(timer);
		if (!paused && !document.hidden)
			timer = setTimeout(ask, every);
	};

	button.addEventListener("click", () => {
		paused = !paused;
		button.setAttribute("aria-pressed", paused);
		later();
	});
	document.addEventListener("visibilitychange", () => {
		if (paused || document.hidden)
			clearTimeout(timer);
		else
			ask();
	});
	button.hidden = false;
	later();
})();

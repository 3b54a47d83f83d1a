"""Transfer: training for corpora, speakers and languages that are unseen."""

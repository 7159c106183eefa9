"""People compare clips by ear: which triplets they are asked, the page that asks them, and the file of their votes."""

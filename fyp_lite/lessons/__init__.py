"""Teaching: what notebooks show (`show`) and the panels that learners use (`controls`)."""

namespace GumbelGan.Generators;

/// <summary>Gumbel-Softmax (Jang, Gu and Poole 2017, eq. 2; Maddison, Mnih and Teh 2017): a point inside the simplex, forward and backward.</summary>
public static class SoftRelaxation
{
    /// <summary>In the catalogue.</summary>
    public static Relaxation Entry { get; } =
        new("soft", (logits, noise, temperature) => ((logits + noise) / temperature).softmax(-1)) { Fused = RowForm.Itself };
}

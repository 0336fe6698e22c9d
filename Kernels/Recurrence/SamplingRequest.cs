using GumbelGan.Randomness;

namespace GumbelGan.Kernels;

/// <summary>What <see cref="LstmSampler"/> draws, and from which states.</summary>
public unsafe struct SamplingRequest
{
    /// <summary>B, the number of sequences.</summary>
    public int Batch { get; set; }

    /// <summary>T, the tokens of each sequence.</summary>
    public int Length { get; set; }

    /// <summary>The token read before the first.</summary>
    public int BeginToken { get; set; }

    /// <summary>The token that ends a sequence; -1 for none.</summary>
    public int EndToken { get; set; }

    /// <summary>The token that fills the places after the end.</summary>
    public int PaddingToken { get; set; }

    /// <summary>What divides the logits; above zero.</summary>
    public double Temperature { get; set; }

    /// <summary>The most tokens that a draw chooses among; 0 for no limit.</summary>
    public int TopK { get; set; }

    /// <summary>The share of probability that a draw chooses among, above 0; 1, or 0 where it is not set, for no limit.</summary>
    public double TopP { get; set; }

    /// <summary>
    /// Keys the draws: step t of sequence r takes the uniform number r of <c>Key.Derive(t)</c>. Where the key is that of a slice, r is counted in the
    /// whole batch.
    /// </summary>
    public RandomKey Key { get; set; }

    /// <summary>[S, H], hidden states to start from; null for zeros.</summary>
    public float* InitialHidden { get; set; }

    /// <summary>[S, H], cell states to start from; null for zeros.</summary>
    public float* InitialCell { get; set; }

    /// <summary>[B], the row of the initial states that each sequence starts from; null where each has its own.</summary>
    public int* States { get; set; }

    /// <summary>[B], the place of the first token to draw, below T; the tokens before it are given. Null where all start at 0.</summary>
    public int* Starts { get; set; }

    /// <summary>[B], the token read before the first that is drawn; null where it is <see cref="BeginToken"/>.</summary>
    public int* FirstTokens { get; set; }
}

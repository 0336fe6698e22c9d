namespace GumbelGan.Kernels;

/// <summary>Where <see cref="HighwayScore.Backward"/> puts its gradients; those of the parameters all null where they do not learn.</summary>
/// <remarks>N rows, D width.</remarks>
public unsafe struct HighwayGradients
{
    /// <summary>[N, D].</summary>
    public float* Features;

    /// <summary>[D, D].</summary>
    public float* Transform;

    /// <summary>[D] where the transform is the gate too, else [D, D].</summary>
    public float* Second;

    /// <summary>[D].</summary>
    public float* Output;
}
